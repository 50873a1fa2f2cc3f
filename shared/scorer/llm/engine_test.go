package llm

import (
	"errors"
	"testing"

	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/llm/enginetest"
)

// A real server enforces the schema. It refuses an invalid image, which is a fault of the sample, and answers the next
// request.
func TestRealServer(t *testing.T) {
	t.Parallel()
	server := enginetest.Start(t)
	s := open(t, Config{URL: server.URL, Model: "tiny", MaxTokens: 1000, Concurrency: 2}, Options{})
	for i, r := range rated(t, s, sample("Which bird sings?"), withImage(t, 1), withImage(t, 2)) {
		if r.Reason != "" || len(r.Ratings) != 2 || len(r.Styles) == 0 {
			t.Errorf("sample %d: %+v", i, r)
		}
	}
	if level := s.refusals.format(); level != 0 {
		t.Errorf("the server refused the first %d formats", level)
	}
	junk := encodedImage{"image/png", []byte("no image at all")}
	p := prompt{
		messages: messages(s.system, conversation{lines: "{}"}, 1),
		images:   []encodedImage{junk},
		tokens:   1,
		formats:  s.formats,
		refusals: &s.refusals,
	}
	_, err := s.answer(t.Context(), &p)
	fault, ok := errors.AsType[sampleError](err)
	if !ok || fault.fault.Code != Refused && fault.fault.Code != scorer.Died {
		t.Errorf("error %v for an invalid image, want a fault of the sample", err)
	} else {
		t.Log(fault)
	}
}
