package llm

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// token returns a token of an answer, with the probabilities of the likeliest tokens at its place.
func token(text string, top map[string]float64) answerToken {
	one := func(text string, p float64) candidate {
		l := math.Log(p)
		if p == 0 {
			return candidate{Token: text, Bytes: []byte(text)} // llama-server writes minus infinity in this way
		}
		return candidate{Token: text, Bytes: []byte(text), Logprob: &l}
	}
	if top == nil {
		top = map[string]float64{text: 1}
	}
	t := answerToken{candidate: one(text, top[text])}
	for text, p := range top {
		t.Top = append(t.Top, one(text, p))
	}
	slices.SortFunc(t.Top, func(a, b candidate) int {
		if a.probability() > b.probability() {
			return -1
		}
		return 1
	})
	return t
}

// tokensOf returns tokens without probabilities.
func tokensOf(texts ...string) (all []answerToken) {
	for _, text := range texts {
		all = append(all, token(text, nil))
	}
	return all
}

// spaced is the space at the start of a token that begins a word.
const spaced = " "

// A six has a probability for each rating.
type six = [scorer.MaxRating + 1]float64

var digitTests = map[string]struct {
	token    answerToken
	how      reading
	p        six
	unlisted float64
	other    bool
}{
	"all listed": {
		token("4", map[string]float64{"0": 0, "1": 0, "2": 0.125, "3": 0.25, "4": 0.5, "5": 0.0625, "x": 0.0625}),
		reading{}, six{0, 0, 0.125, 0.25, 0.5, 0.0625}, 0, false,
	},
	"two spellings": {
		token("4", map[string]float64{"4": 0.5, spaced + "4": 0.25, "\n3": 0.125, "x": 0.125}), reading{},
		six{3: 0.125, 4: 0.75}, 0, false,
	},
	"digits outside the list": {
		token("4", map[string]float64{"4": 0.5, "x": 0.25, "3": 0.0625}), reading{},
		six{3: 0.0625, 4: 0.5}, 1 - 0.8125, false,
	},
	"little probability outside the list": {
		token("4", map[string]float64{"4": 0.5, "x": 0.25, "3": 0.001}), reading{},
		six{3: 0.001, 4: 0.5}, 10 * 0.001, false,
	},
	"listed by token id": {
		token("4", map[string]float64{"0": 0, "1": 0, "2": 0, "3": 0.25, "4": 0.5, "5": 0}), reading{byID: true},
		six{3: 0.25, 4: 0.5}, 0.25, false,
	},
	"numbers that are not ratings": {
		token("4", map[string]float64{"4": 0.25, "45": 0.5, "4.5": 0.125, "6": 0.0625, "-1": 0, "4e": 0.0625}),
		reading{}, six{4: 0.25}, 0, true,
	},
	"text around the digit": {
		token(`": 4,`, map[string]float64{`": 4,`: 0.5, `":3`: 0.25, `": 2.`: 0.125, `4`: 0.125, "x": 0}),
		reading{before: `": `}, six{3: 0.25, 4: 0.5}, 0, false,
	},
	"text after the digit": {
		token("4.", map[string]float64{"4.": 0.5, "4": 0.25, "4\n": 0.125, "3,": 0.125, "x": 0}),
		reading{whole: true}, six{4: 0.375}, 0, true,
	},
	"token that is not in its list": {
		answerToken{candidate: token("2", map[string]float64{"2": 0.25}).candidate,
			Top: token("4", map[string]float64{"4": 0.5, "3": 0.25, "x": 0}).Top},
		reading{}, six{2: 0.25, 3: 0.25, 4: 0.5}, 0, false,
	},
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for name, tt := range digitTests {
		d := newDigits(tt.token, tt.how)
		for i, p := range tt.p {
			if math.Abs(d.Probabilities[i]-p) > 1e-12 {
				t.Errorf("%s: probabilities %v, want %v", name, d.Probabilities, tt.p)
				break
			}
		}
		if math.Abs(d.Unlisted-tt.unlisted) > 1e-12 || d.Other != tt.other {
			t.Errorf("%s: unlisted %v, other %v; want %v, %v", name, d.Unlisted, d.Other, tt.unlisted, tt.other)
		}
	}
}

// The distribution of a rating is found at its digit, for any division of the answer into tokens, and if the server has
// removed the model's reasoning from the answer.
func TestRatingDigits(t *testing.T) {
	t.Parallel()
	const answer = `{"reason": "4", "ratings": {"bird song": 4, "\"wing\" shape": 0}, "styles": ["tweet"]}`
	four := token(" 4", map[string]float64{" 4": 0.5, " 3": 0.5})
	zero := token(`": 0}`, map[string]float64{`": 0}`: 0.75, `": 1`: 0.25})
	for name, tokens := range map[string][]answerToken{
		"plain": append(append(tokensOf(`{"reason": "`, `4`, `", "ratings": {"bird song":`), four),
			append(tokensOf(`, "\"wing\" shape`), zero, token(`, "styles": ["tweet"]}`, nil))...),
		"after thoughts": append(append(tokensOf(`<think>{"ratings": 5}</think>`, "\n", `{"reason": "4", `,
			`"ratings": {"bird song":`), four), append(tokensOf(`, "\"wing\" shape`), zero,
			token(`, "styles": ["tweet"]}`, nil), token("", nil))...),
	} {
		all := ratingDigits(reply{text: answer, tokens: tokens}, birds(t).Capabilities)
		if len(all) != 2 || all[0] == nil || all[1] == nil {
			t.Fatalf("%s: %v", name, all)
		}
		if e, m := all[0].measure(); e != 3.5 || m != 0 {
			t.Errorf("%s: expected score %v, margin %v of the first", name, e, m)
		}
		if e, m := all[1].measure(); e != 0.25 || m != 0.5 {
			t.Errorf("%s: expected score %v, margin %v of the second", name, e, m)
		}
	}
	for name, tokens := range map[string][]answerToken{
		"none": nil, "of another text": tokensOf("{", "}"), "without lists": {{candidate: four.candidate}},
	} {
		if all := ratingDigits(reply{text: answer, tokens: tokens}, birds(t).Capabilities); all != nil {
			t.Errorf("%s: %v", name, all)
		}
	}
}

// One request gives expected scores and margins next to the ratings.
func TestConditional(t *testing.T) {
	t.Parallel()
	answer := func(first, second answerToken) []answerToken {
		return append(append(tokensOf(`{"reason": "It sings.", "ratings": {"bird song": `), first),
			append(tokensOf(`, "\"wing\" shape": `), second, token(`}, "styles": ["tweet"]}`, nil))...)
	}
	spread := map[string]float64{"2": 0.125, "3": 0.25, "4": 0.5, "5": 0.0625, "0": 0, "1": 0.0625}
	f := newFake(t, func(a asked) said {
		if !a.Logprobs || a.Top != 20 {
			t.Errorf("logprobs %v, %d of them", a.Logprobs, a.Top)
		}
		zero := token("0", map[string]float64{"0": 0.75, "1": 0.25, "x": 0})
		switch {
		case contains(a, "number 1?"): // the schema forces a digit that is unlikely
			zero = token("0", map[string]float64{"0": 0.125, "1": 0.125, "x": 0.75, "y": 0})
		case contains(a, "number 2?"):
			zero = token("0", map[string]float64{"0": 0.5, "1": 0.25})
		case contains(a, "number 3?"):
			return said{text: validAnswer}
		}
		return said{text: validAnswer, tokens: answer(token("4", spread), zero), cached: 900}
	})
	work := folder(t)
	c := config(f)
	c.Prices = "wren-1=0.5/5/0.05"
	items := samples(4)
	got := rated(t, billed(t, open(t, c, Options{Work: work}), "a-1"), items...)
	nan := float32(math.NaN())
	first := float32(0.0625 + 0.25 + 0.75 + 2 + 0.3125)
	want := []scorer.Result{
		{Expected: []float32{first, 0.25}, Mass: []float32{1, 1}, Margin: []float32{0.25, 0.5},
			Flags: []string{FlagConditional}},
		{Expected: []float32{first, 0}, Mass: []float32{1, 0.25}, Margin: []float32{0.25, nan},
			Flags: []string{FlagConditional, scorer.FlagLowMass}},
		{Expected: []float32{first, 1. / 3}, Mass: []float32{1, 0.75}, Margin: []float32{0.25, 0.25},
			Flags: []string{FlagConditional, FlagTruncatedMass}},
		{Expected: []float32{4, 0}},
	}
	for i := range want {
		want[i].Ratings, want[i].Styles = []int8{4, 0}, []string{"tweet"}
	}
	near := cmp.Comparer(func(a, b float32) bool { return a == b || a != a && b != b || math.Abs(float64(a-b)) < 1e-6 })
	if diff := cmp.Diff(want, got, near); diff != "" || len(f.requests()) != 4 {
		t.Errorf("%d requests; results (-want +got)\n%s", len(f.requests()), diff)
	}
	again := rated(t, billed(t, open(t, c, Options{Work: work}), "b-1"), items...)
	if diff := cmp.Diff(got, again, near); diff != "" || len(f.requests()) != 4 {
		t.Errorf("%d requests; stored results (-first +second)\n%s", len(f.requests()), diff)
	}
	spent, err := Spent(t.Context(), work, "a-1")
	if want := (3*(100*0.5+900*0.05+100*5) + 1000*0.5 + 100*5) / 1e6; err != nil || math.Abs(spent-want) > 1e-12 {
		t.Errorf("spent %v, error %v; want %v", spent, err, want)
	}
}

// If a server refuses to give probabilities, requests are made without them.
func TestNoLogprobs(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(a asked) said {
		if a.Logprobs {
			return said{status: 400, body: `{"error": {"message": "logprobs is not supported"}}`}
		}
		if len(a.Format) == 0 {
			t.Error("the form of the answer is no longer requested")
		}
		return said{text: validAnswer}
	})
	for _, r := range rated(t, open(t, config(f), Options{}), samples(3)...) {
		if diff := cmp.Diff(validResult(), r); diff != "" {
			t.Errorf("result (-want +got)\n%s", diff)
		}
	}
}
