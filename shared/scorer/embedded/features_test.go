package embedded

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFeatureNames(t *testing.T) {
	t.Parallel()
	names := FeatureNames()
	if n := len(slices.Compact(slices.Sorted(slices.Values(names)))); n != len(names) {
		t.Errorf("%d of %d names are different", n, len(names))
	}
	for i, style := range ruleStyles {
		if got := names[len(names)-RuleFeatures+i]; got != "rule "+style {
			t.Errorf("name %d of the rules is %q", i, got)
		}
	}
}

// gramsOf returns the n-grams of a question.
func gramsOf(question string) Grams { return observe(talk(question, "x"), nil).Grams[questionWords] }

func TestGrams(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(gramsOf("In 2019 there were 25 dogs"), gramsOf("in 1987, there were 31 dogs!")); diff != "" {
		t.Errorf("numbers of one form differ (-first +second):\n%s", diff)
	}
	once, twice := gramsOf("dog"), gramsOf("dog dog dog")
	if len(once) != 2 || once[0].Weight != 256 {
		t.Errorf("one word: %v, want the word and the pair of the text's start and the word, once each", once)
	}
	if twice[0].Bucket != once[0].Bucket || twice[0].Weight != 512 {
		t.Errorf("one word three times: %v, want twice the weight of a single occurrence", twice)
	}
	if norm := (Grams{{0, 3}, {1, 4}}).Norm(); norm != 5 {
		t.Errorf("norm %v, want 5", norm)
	}
}

// FuzzObserve checks that for any text, features are within their limits, and scores are on the scale.
func FuzzObserve(f *testing.F) {
	f.Add("<image>\nWhere is the dog? [x1, y1, x2, y2]", "[0.1, 0.2, 0.3, 0.4]")
	f.Add("Which?\nA. x\nB. y", "Therefore the answer is B.")
	f.Add("Solve $x^2$", "\\frac{1}{2} = $")
	f.Add("\xff\xfe 图片里有什么？", "一只狗。")
	s := defaultScorer(f)
	f.Fuzz(func(t *testing.T, question, answer string) {
		features := observe(talk(question, answer), nil)
		if len(features.Dense) != len(FeatureNames()) {
			t.Fatalf("%d features, %d names", len(features.Dense), len(FeatureNames()))
		}
		for i, v := range features.Dense {
			if !(v >= -1 && v <= 10) {
				t.Errorf("%s is %v", FeatureNames()[i], v)
			}
		}
		for _, grams := range features.Grams {
			for _, g := range grams {
				if g.Weight < 256 || int(g.Bucket) >= Buckets {
					t.Errorf("n-gram %v", g)
				}
			}
		}
		result := s.result(features, s.predictor.Predict(features), 0)
		for c, x := range result.Expected {
			if !(x >= 0 && x <= 5) || result.Ratings[c] != int8(math.Floor(float64(x)+0.5)) {
				t.Errorf("capability %d: expected score %v, rating %d", c, x, result.Ratings[c])
			}
		}
		if len(result.Styles) == 0 && pairsOf(talk(question, answer))[0].answer.plain != "" {
			t.Error("an answer without a style")
		}
	})
}
