package llm

import (
	"errors"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// TestCompare compares two samples with their images. After an invalid answer, the request is repeated. A refused key
// is a StopError.
func TestCompare(t *testing.T) {
	t.Parallel()
	answers := []said{{text: "the first"}, {text: "```json\n{\"reason\": \"r\", \"better\": 2}\n```"}}
	f := newFake(t, func(asked) said {
		next := answers[0]
		answers = answers[1:]
		return next
	})
	e, err := New(config(f), Options{Memory: memorytest.Budget(t)})
	if err != nil {
		t.Fatal(err)
	}
	better, used, err := e.Compare(t.Context(), "", "ocr", [2]scorer.Item{withImage(t, 1), withImage(t, 2)})
	if err != nil || better != 2 || used.InputTokens != 2*fakeInput {
		t.Errorf("%d, %+v, %v", better, used, err)
	}
	requests := f.requests()
	if len(requests) != 2 || requests[0].images != 2 || !strings.Contains(requests[0].text, "The images of sample 2") ||
		!strings.Contains(requests[0].text, `for the capability \"ocr\"`) ||
		!strings.Contains(requests[1].text, "That answer cannot be used") {
		t.Errorf("%d requests: %+v", len(requests), requests)
	}
	answers = []said{{text: `{"better": 3}`}, {text: `{}`}}
	if _, _, err := e.Compare(t.Context(), "", "", [2]scorer.Item{sample("a?"), sample("b?")}); err == nil {
		t.Error("two invalid answers are accepted")
	}
	answers = []said{{status: 401, body: `{"error": {"message": "no"}}`}}
	_, _, err = e.Compare(t.Context(), "", "", [2]scorer.Item{sample("a?"), sample("b?")})
	if _, stop := errors.AsType[*scorer.StopError](err); !stop {
		t.Errorf("a refused key: %v", err)
	}
}

// TestCompareSpends checks that comparisons stop at the spending limit of a run, before a request that may exceed the
// limit. The spending of other processes and earlier comparisons count.
func TestCompareSpends(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(asked) said { return said{text: `{"better": 1}`} })
	c := config(f)
	c.Prices, c.MaxCost = c.Model+"=1000/1000", 12 // a request may cost some dollars
	work := bucket.NewMemory()
	pair := [2]scorer.Item{sample("a?"), sample("b?")}
	asked := 0
	var err error
	for ; asked < 100 && err == nil; asked++ {
		var e *Endpoint // a new process each time
		if e, err = New(c, Options{Memory: memorytest.Budget(t), Work: work}); err != nil {
			t.Fatal(err)
		}
		_, _, err = e.Compare(t.Context(), "demo-0123456789ab", "", pair)
	}
	stop, ok := errors.AsType[*scorer.StopError](err)
	if !ok || !strings.Contains(stop.Reason, "raise LLM_MAX_COST") {
		t.Fatalf("after %d comparisons: %v", asked, err)
	}
	spent, err := Spent(t.Context(), work, "demo-0123456789ab")
	if requests := len(f.requests()); err != nil || requests != asked-1 || spent > c.MaxCost || asked > 1 && spent == 0 {
		t.Errorf("%d requests of %d comparisons, $%g (%v)", requests, asked, spent, err)
	}
}
