package forms

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// plainRecords are in the plain form. If one byte of them is changed, most of them are not plain.
var plainRecords = []string{
	`{"id": "a", "image": "coco/1.jpg", "conversations": [{"from": "human", "value": "<image>\nWhy \"so\"?"}, ` +
		`{"from": "gpt", "value": "So \u4e2d, 1 < 2."}], "data_source": "x"}`,
	`{"id":17,"conversations":[{"value":"Why?","from":"user"},{"from":"assistant","value":"So."},` +
		`{"from":"user","value":"And?"}]}` + "\n",
	`{"image": "1.jpg", "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "é: <= 5"}]}`,
	`{"image": ["a/1.jpg" ,"2.jpg"], "conversations": [{"from": "human", "value": "<image>\n<image>\n<td>Why?</td>"}, ` +
		`{"value": "So.", "from": "gpt"}]}`,
	`{"image": null, "conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}`,
	`{"image": "1.jpg", "conversations": [{"from": "human", "value": "H<sub>2</sub>O <i>a</i> <a href='b'>?"}, ` +
		`{"from": "gpt", "value": "<v>x</v> <S>"}]}`,
}

// plainChecker returns a Checker of which Check returns nil for records that are not plain.
func plainChecker() *Checker {
	return &Checker{parse: func([]byte, dataset.Place) *dataset.Sample { return nil }}
}

func isPlain(raw []byte) bool { return plainChecker().Check(raw, dataset.Place{}) != nil }

// TestPlain changes plain records at random. If Plain still accepts a record, the parser must find no problem in it.
func TestPlain(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	still := 0
	pieces := []string{
		`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, `<`, `>`, `0`, ` `, `<img>`, `<image>`, `<video>`, `<|image|>`,
		`["a.jpg"], `, `[], `, `<b>`,
		`<img>a.jpg</img>`, `<audio>a</audio>`, `<image-1>`, `<IMG_CONTEXT>`, `"b.jpg"`, `\u003c`,
		`..`, "\x01", "\xff", `null`, `1e5`, `"from"`, `human`, `gpt`, `"image": "b.jpg", `, `/`,
		`\n`, `\u00a0`, `Image`, `-`, `m`, `ideo>`, `udio>`, `peech>`, `<i`, `<V`, `<a`, `<s`,
	}
	for _, record := range plainRecords {
		check := plainChecker() // it keeps openings of turns
		if check.Check([]byte(record), dataset.Place{}) == nil {
			t.Fatalf("%s is not plain", record)
		}
		for range 60_000 {
			raw := []byte(record)
			for range 1 + rng.IntN(3) {
				at, n := rng.IntN(len(raw)), rng.IntN(4)
				end := min(at+n, len(raw))
				raw = bytes.Join([][]byte{raw[:at], raw[end:]}, []byte(pieces[rng.IntN(len(pieces))]))
			}
			accepted := check.Check(raw, dataset.Place{}) != nil
			if accepted != isPlain(raw) {
				t.Fatalf("%s is accepted as plain: %v, unlike by a new checker", raw, accepted)
			}
			if !accepted {
				continue
			}
			still++
			if s := Parse(raw, dataset.Place{Manifest: "a.json", Element: 1}); s.Problem != nil || s.Form != llavaName {
				t.Fatalf("%s is accepted as plain, but has the problem %+v, read as %q", raw, s.Problem, s.Form)
			}
		}
	}
	if still < 1000 {
		t.Errorf("%d changed records are plain", still)
	}
}

// TestCheckerPool compares the checker with the parser on real data, most of which it reads quickly.
func TestCheckerPool(t *testing.T) {
	t.Parallel()
	check, err := Reading{}.Checker()
	if err != nil {
		t.Fatal(err)
	}
	all, plain := 0, 0
	err = dataset.EachSample(bytes.NewReader(pool(t)), "dataset.json", dataset.Limits{MaxRecordBytes: 1 << 20}, Parse,
		func(s *dataset.Sample) error {
			all++
			if isPlain(s.Raw) {
				plain++
			}
			if checked := check.Check(s.Raw, s.Place); (checked.Problem == nil) != (s.Problem == nil) {
				t.Errorf("%s: problem %+v, want %+v", s.ID, checked.Problem, s.Problem)
			}
			return nil
		})
	if err != nil || plain < all*9/10 {
		t.Errorf("%d of %d records are plain, %v", plain, all, err)
	}
}
