package llm

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/images"
	"github.com/harvest-ml/harvest/shared/scorer"
)

// rated rates items, and fails the test on an error.
func rated(t testing.TB, s scorer.Scorer, items ...scorer.Item) []scorer.Result {
	t.Helper()
	results, err := s.Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(items) {
		t.Fatalf("%d results of %d items", len(results), len(items))
	}
	return results
}

// A request has the instructions, the conversation, the images, the format and the key, and nothing from the
// environment.
func TestRequest(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-of-another")
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("OPENAI_ORGANIZATION", "another")
	f := newFake(t, validly)
	item := withImage(t, 7)
	item.Sample.Turns[1] = dataset.NewTurn(dataset.Model, "A \"wren\".\n{\"from\": \"human\"} & <b>", 0)
	if diff := cmp.Diff([]scorer.Result{validResult()}, rated(t, open(t, config(f), Options{}), item)); diff != "" {
		t.Errorf("results (-want +got)\n%s", diff)
	}
	all := f.requests()
	if len(all) != 1 {
		t.Fatalf("%d requests for one sample", len(all))
	}
	a := all[0]
	if a.Model != "wren-1" || a.images != 1 || len(a.Messages) != 2 {
		t.Errorf("the request is to model %q, with %d images, in %d messages", a.Model, a.images, len(a.Messages))
	}
	if key, org := a.header.Get("Authorization"), a.header.Get("OpenAI-Organization"); key != "Bearer sk-secret" ||
		org != "" {
		t.Errorf("it has the key %q and the organization %q", key, org)
	}
	var user struct {
		Content []struct {
			Type, Text string
			ImageURL   struct{ URL string } `json:"image_url"`
		}
	}
	if err := json.Unmarshal(a.Messages[1], &user); err != nil || len(user.Content) != 2 {
		t.Fatalf("error %v of message %s", err, a.Messages[1])
	}
	if url := user.Content[0].ImageURL.URL; !strings.HasPrefix(url, "data:image/png;base64,iVBOR") {
		t.Errorf("the image is %.40q", url)
	}
	want := `The sample's images are above, 1 in all; <image> marks their places.
{"from":"human","text":"<image>\nWhich bird is number 7?"}
{"from":"assistant","text":"A \"wren\".\n{\"from\": \"human\"} & <b>"}
` + answerReminder
	if diff := cmp.Diff(want, user.Content[1].Text); diff != "" {
		t.Errorf("conversation (-want +got)\n%s", diff)
	}
	var format struct {
		JSONSchema struct {
			Schema json.RawMessage
		} `json:"json_schema"`
	}
	if err := json.Unmarshal(a.Format, &format); err != nil ||
		!strings.Contains(string(format.JSONSchema.Schema), "bird song") {
		t.Errorf("error %v of format %s", err, a.Format)
	}
}

// Some models accept only their own temperature.
func TestTemperature(t *testing.T) {
	t.Parallel()
	for sent, want := range map[float64]string{0: "0", 0.7: "0.7", -1: "none"} {
		f := newFake(t, validly)
		c := config(f)
		c.Temperature = sent
		rated(t, open(t, c, Options{}), sample(`,"temperature":-1}`))
		got := "none"
		if a := f.requests()[0]; a.Warmth != nil {
			got = fmt.Sprint(*a.Warmth)
		}
		if got != want {
			t.Errorf("temperature %v is sent as %s", sent, got)
		}
	}
}

var idPattern = regexp.MustCompile(`^llm-(json|logprobs)-[0-9a-f]{12}$`)

// The id depends on everything that changes ratings, and on nothing else. It contains the mode.
func TestID(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	base := open(t, config(f), Options{}).ID()
	tests := map[string]struct {
		change func(*Config)
		same   bool
	}{
		"another URL": {func(c *Config) { c.URL = "http://127.0.0.1:1/v1" }, true},
		"key":         {func(c *Config) { c.APIKey = "sk-2" }, true},
		"limits":      {func(c *Config) { c.Concurrency, c.RequestsPerMinute, c.MaxCost = 1, 7, 3 }, true},
		"model":       {func(c *Config) { c.Model = "wren-2" }, false},
		"temperature": {func(c *Config) { c.Temperature = 0.5 }, false},
		"tokens":      {func(c *Config) { c.MaxTokens = 100 }, false},
		"image side":  {func(c *Config) { c.ImageSide = 512 }, false},
		"mode":        {func(c *Config) { c.Mode = scorer.ModeLogprobs }, false},
	}
	for name, tt := range tests {
		c := config(f)
		tt.change(&c)
		if c.Model != "wren-1" {
			c.Prices = ""
		}
		if id := open(t, c, Options{}).ID(); (id == base) != tt.same || !idPattern.MatchString(id) {
			t.Errorf("%s: id %s, without the change %s", name, id, base)
		}
	}
}

// An answer is requested once: another run, another process and an equal sample use the stored answer.
func TestAnswersAreKept(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	work := folder(t)
	items := append(samples(5), samples(5)...)
	want := rated(t, billed(t, open(t, config(f), Options{Work: work}), "a-1"), items...)
	if n := len(f.requests()); n != 5 {
		t.Errorf("%d requests for five samples and their twins", n)
	}
	got := rated(t, billed(t, open(t, config(f), Options{Work: work}), "b-1"), items...)
	if diff := cmp.Diff(want, got); diff != "" || len(f.requests()) != 5 {
		t.Errorf("%d requests; results (-first +second)\n%s", len(f.requests()), diff)
	}
	if paid := objects(t, work, "answers/paid/"); len(paid) != 5 || !strings.HasPrefix(paid[0], "answers/paid/a-1/") {
		t.Errorf("receipts are %q", paid)
	}
	var a Answer
	readObject(t, work, objects(t, work, "answers/")[0], &a)
	dollars := answerDollars
	wantAnswer := Answer{
		Scorer: open(
			t,
			config(f),
			Options{},
		).ID(), Model: "wren-1", Reason: "It sings.", Ratings: []int8{4, 0}, Styles: []string{"tweet"},
		Requests: 1, Usage: Usage{InputTokens: fakeInput, OutputTokens: fakeOutput}, Dollars: &dollars, Run: "a-1",
	}
	if diff := cmp.Diff(wantAnswer, a); diff != "" {
		t.Errorf("stored answer (-want +got)\n%s", diff)
	}
	for item, want := range map[*scorer.Item]string{&items[0]: "It sings.", {Sample: &dataset.Sample{}}: ""} {
		if got, err := open(t, config(f), Options{Work: work}).Reason(t.Context(), *item); got != want || err != nil {
			t.Errorf("reason %q, error %v, want %q", got, err, want)
		}
	}
	for _, changed := range []scorer.Item{sample("Which bird is number 0 ?"), withImage(t, 1), withImage(t, 2)} {
		before := len(f.requests())
		if rated(t, open(t, config(f), Options{Work: work}), changed); len(f.requests()) != before+1 {
			t.Errorf("no request for %q", changed.Sample.Texts())
		}
	}
}

// An invalid answer is sent back once, with its fault. If the second answer is invalid, too, the sample is not sent
// again in its run. Another run, such as a retry, sends it again.
func TestRepair(t *testing.T) {
	t.Parallel()
	const wrong = `{"reason": "", "ratings": {"bird song": 6, "\"wing\" shape": 0}, "styles": ["tweet"]}`
	f := newFake(t, func(a asked) said {
		switch {
		case strings.Contains(a.text, "number 1?") && len(a.Messages) == 2, strings.Contains(a.text, "number 2?"):
			return said{text: wrong}
		case strings.Contains(a.text, "number 3?"):
			return said{text: `{"reason": "It`, finish: "length"}
		case strings.Contains(a.text, "number 4?"):
			return said{finish: "content_filter"}
		}
		return said{text: validAnswer}
	})
	work := folder(t)
	const why = `invalid answer: the rating of "bird song" is 6, and should be a whole number from 0 to 5`
	want := []scorer.Result{
		validResult(), validResult(), {Code: InvalidAnswer, Reason: why},
		{
			Code:   InvalidAnswer,
			Reason: "invalid answer: it is cut off after 100 tokens, which is the most; be brief (LLM_MAX_TOKENS)",
		},
		{Code: Refused, Reason: "refused by the model: the server's content filter cut the answer off"},
	}
	first := billed(t, open(t, config(f), Options{Work: work}), "a-1")
	if diff := cmp.Diff(want, rated(t, first, samples(5)...)); diff != "" {
		t.Errorf("results (-want +got)\n%s", diff)
	}
	all := f.requests()
	if len(all) != 8 {
		t.Errorf("%d requests, want 8", len(all))
	}
	for _, a := range all {
		if len(a.Messages) == 4 && !strings.Contains(a.text, "cannot be used: ") {
			t.Errorf("the fault is not named in %s", a.Messages[3])
		}
	}
	if diff := cmp.Diff(want, rated(t, first, samples(5)...)); diff != "" || len(f.requests()) != 8 {
		t.Errorf("%d requests; results of the same run (-first +second)\n%s", len(f.requests()), diff)
	}
	if rated(t, billed(t, open(t, config(f), Options{Work: work}), "a-2"), samples(5)...); len(f.requests()) != 8+5 {
		t.Errorf(
			"another run made %d requests, want 2 for each of two samples and one for a third",
			len(f.requests())-8,
		)
	}
}

// An invalid image fails only its sample, and no request is made for the sample.
func TestBrokenImage(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	broken := withImage(t, 1)
	broken.Images[0] = broken.Images[0][:60]
	got := rated(t, open(t, config(f), Options{}), withImage(t, 0), broken)
	if !strings.HasPrefix(got[1].Reason, "image does not decode: image 1 (1.png): ") ||
		got[1].Code != images.Undecodable ||
		got[0].Reason != "" ||
		len(f.requests()) != 1 {
		t.Errorf("%d requests, results %+v", len(f.requests()), got)
	}
}

// A request that must be paid is completed, and its answer stored, even if its delivery has ended.
func TestCancelledRequestIsKept(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(asked) said {
		cancel()
		time.Sleep(50 * time.Millisecond) // the client has noticed it by now
		return said{text: validAnswer}
	})
	work := folder(t)
	s := billed(t, open(t, config(f), Options{Work: work}), "a-1")
	if _, err := s.Rate(ctx, samples(1)); err != nil {
		t.Errorf("error %v, although the answer came", err)
	}
	if kept := objects(t, work, "answers/"); len(kept) != 3 {
		t.Errorf("stored objects: %q, want an answer, its reservation and its receipt", kept)
	}
	if _, err := s.Rate(ctx, samples(2)); err == nil || len(f.requests()) != 1 {
		t.Errorf("error %v after %d requests, want one for another sample", err, len(f.requests()))
	}
}

// If a delivery has too little time left, no request is begun.
func TestLastMoments(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	ctx, cancel := context.WithTimeout(t.Context(), minRemaining-time.Second)
	defer cancel()
	_, err := open(t, config(f), Options{}).Rate(ctx, samples(1))
	if err == nil || !strings.Contains(err.Error(), "continues at this sample") || len(f.requests()) != 0 {
		t.Errorf("error %v after %d requests", err, len(f.requests()))
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	f := newFake(t, validly)
	load := scorer.Load{Samples: 1000, Images: 500, TextBytes: 400_000}
	tests := map[string]struct {
		change  func(*Config)
		by      string
		seconds float64
	}{
		"plain":    {func(*Config) {}, "LLM_CONCURRENCY", 625},
		"requests": {func(c *Config) { c.RequestsPerMinute = 10 }, "LLM_REQUESTS_PER_MINUTE", 6000},
		"tokens": {
			func(c *Config) { c.TokensPerMinute = 1000; c.RequestsPerMinute = 10 },
			"LLM_TOKENS_PER_MINUTE",
			0,
		},
		"many": {func(c *Config) { c.TokensPerMinute = 1 << 40 }, "LLM_CONCURRENCY", 625},
	}
	for name, tt := range tests {
		c := config(f)
		tt.change(&c)
		s := open(t, c, Options{})
		e := s.Estimate(load)
		perSample := int64(requestTokens + textTokens(len(s.system)+len(answerReminder)))
		if e.InputTokens != 1000*perSample+100_000+500*1000 || e.OutputTokens != 1000*(reasonTokens+2*ratingTokens) {
			t.Errorf("%s: %d and %d tokens", name, e.InputTokens, e.OutputTokens)
		}
		if tt.seconds == 0 {
			tt.seconds = float64(e.InputTokens+e.OutputTokens) / 1000 * 60
		}
		if e.LimitedBy != tt.by || e.Seconds != tt.seconds {
			t.Errorf("%s: %v s, limited by %s; want %v, limited by %s", name, e.Seconds, e.LimitedBy, tt.seconds, tt.by)
		}
		if want := (float64(e.InputTokens)*0.5 + float64(e.OutputTokens)*5) / 1e6; e.Dollars == nil ||
			*e.Dollars != want {
			t.Errorf("%s: dollars %v, want %v", name, e.Dollars, want)
		}
	}
	c := config(f)
	c.Prices = ""
	if e := open(t, c, Options{}).Estimate(load); e.Dollars != nil || len(f.requests()) != 0 {
		t.Errorf("without a price: dollars %v; %d requests", *e.Dollars, len(f.requests()))
	}
}

func billed(t testing.TB, s *Scorer, run string) scorer.Scorer {
	t.Helper()
	b, err := s.ForRun(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readObject(t testing.TB, b bucket.Reader, name string, v any) {
	t.Helper()
	body, err := b.Open(t.Context(), name, 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// The word <image> in a text is text, so images then have another mark. Turns that are not rated are not sent.
func TestConversation(t *testing.T) {
	t.Parallel()
	human := func(text string, first int) dataset.Turn { return dataset.NewTurn(dataset.Human, text, first) }
	model := func(text string) dataset.Turn { return dataset.NewTurn(dataset.Model, text, 0) }
	lines := func(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
	for name, tc := range map[string]struct {
		turns []dataset.Turn
		want  conversation
	}{
		"plain": {
			[]dataset.Turn{human("<image>\nWhich?", 1), model("A wren.")},
			conversation{
				lines: lines(`{"from":"human","text":"<image>\nWhich?"}`, `{"from":"assistant","text":"A wren."}`), mark: "<image>",
			},
		},
		"a word": {
			[]dataset.Turn{human("<image>Which?", 1), model("<image>, <<image>>>")},
			conversation{lines: lines(
				`{"from":"human","text":"<<<image>>>Which?"}`, `{"from":"assistant","text":"<image>, <<image>>>"}`,
			), mark: "<<<image>>>"},
		},
		"not rated": {
			[]dataset.Turn{
				{Role: dataset.System}, model("Hm."), human("Hi.", 0), human("Which?", 0), {Role: dataset.Tool}, model("A wren."),
			},
			conversation{
				lines: lines(`{"from":"human","text":"Hi.\nWhich?"}`, `{"from":"assistant","text":"A wren."}`), mark: "<image>",
			},
		},
	} {
		got, err := newConversation(&dataset.Sample{Turns: tc.turns})
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(conversation{})); diff != "" || err != nil {
			t.Errorf("%s: error %v, conversation (-want +got)\n%s", name, err, diff)
		}
	}
}
