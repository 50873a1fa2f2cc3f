package report

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/harvest-ml/harvest/shared/api"
	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/events"
	"github.com/harvest-ml/harvest/shared/images"
	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

const hostile = "<script>alert(1)</script>\" onmouseover=\"alert(1)\u202Etxt.exe"

// outcome returns a selection of 30 % of a synthetic pool in which each hundredth sample failed.
func outcome(tb testing.TB, samples, sources int) *subset.Outcome {
	tb.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	asked := rubric.Default()
	build := selection.NewBuilder(asked.Capabilities...)
	build.Styles(asked.Styles)
	o := &subset.Outcome{Plan: &run.Plan{Rubric: asked, Samples: int64(samples)}, Pool: &subset.Pool{}}
	for i := range samples {
		s := selection.Sample{
			Index: int64(i), Tie: rng.Uint64(), Source: fmt.Sprint(hostile, min(rng.IntN(sources), rng.IntN(sources))),
			Tokens: uint32(20 + rng.IntN(2000)), Shape: selection.ShapeOf(rng.IntN(3), rng.IntN(3)),
		}
		status := scores.OK
		if i%100 == 99 {
			status = scores.Failed
		} else {
			s.Styles = []string{asked.Styles[rng.IntN(len(asked.Styles))]}
		}
		for range asked.Capabilities {
			rating := int8(min(rng.IntN(6), rng.IntN(6)))
			if status != scores.OK {
				rating = selection.Missing
			}
			s.Ratings = append(s.Ratings, rating)
			s.Expected = append(s.Expected, uint16(max(rating, 0))*1024)
		}
		build.Add(s)
		o.Pool.Status = append(o.Pool.Status, status)
	}
	var err error
	if o.Pool.Catalog, err = selection.NewCatalog(build.Pool); err != nil {
		tb.Fatal(err)
	}
	o.Params = selection.Params{Budget: samples * 3 / 10}
	if o.Result, err = o.Pool.Select(o.Params); err != nil {
		tb.Fatal(err)
	}
	o.Selection = &subset.Selection{
		ID: "0123456789ab", Run: "synthetic-0123456789ab", Dataset: "synthetic", Selected: len(o.Result.Picks),
		Parameters: selection.ResolvedRequest{
			Budget: o.Params.Budget, Request: selection.Request{Rules: selection.Rules{Capabilities: asked.Capabilities}},
		},
		Manifests: []subset.Manifest{{Name: hostile}}, Summary: o.Pool.Summarize(o.Result, 0),
	}
	return o
}

// explained returns an explainer that needs no run.
func explained(o *subset.Outcome) explainer {
	order := map[uint32]int{}
	for i, s := range o.Result.Samples() {
		order[s] = i + 1
	}
	reasons := o.Pool.Reasons(o.Params, o.Result)
	return func(indexes []uint32) (all []subset.Explanation, err error) {
		for _, i := range indexes {
			x := subset.Explanation{
				ID: fmt.Sprint(hostile, i), Index: int64(i), Status: o.Pool.Status[i], Order: order[i], Rule: "turn",
				Reason: reasons.At(int(i)), Failure: hostile, Bin: hostile,
			}
			if x.Reason == selection.ReasonRank {
				x.Misses = []subset.Miss{{Capability: hostile, Bin: hostile, Rating: 2}}
			}
			all = append(all, x)
		}
		return all, nil
	}
}

// written returns the report of an outcome whose samples have no records.
func written(tb testing.TB, o *subset.Outcome) string {
	tb.Helper()
	n := int64(o.Pool.Pool.Len())
	status := &run.Status{
		Scorer: "embedded", ScorerID: "id", Samples: events.Counts{In: n, Scored: n - n/100, Failed: n / 100},
		Reasons: map[reason.Code]int64{images.NotFound: n / 100},
		Examples: map[reason.Code]run.Example{
			images.NotFound: {ID: hostile, Reason: hostile + strings.Repeat("x", 1<<20)},
		},
	}
	made := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	commands := Commands{
		Select: func(string, api.SelectionRequest) string { return "harvest select " + hostile },
		Retry:  func(string) string { return "harvest retry x" },
	}
	m, err := newModel(o, status, made, commands, explained(o))
	if err != nil {
		tb.Fatal(err)
	}
	long := dataset.NewTurn(dataset.Human, hostile+strings.Repeat("long ", 200_000), 1)
	for _, card := range m.Gallery.Cards {
		card.converse(&dataset.Sample{Turns: []dataset.Turn{long, long, long, long, long, long}})
	}
	var out bytes.Buffer
	if err := m.write(&out); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// A report escapes and shortens all texts of the dataset, and is the same each time.
func TestReport(t *testing.T) {
	t.Parallel()
	o := outcome(t, 3000, 30)
	page := written(t, o)
	if len(page) > 1_500_000 {
		t.Errorf("without pictures the report has %d bytes", len(page))
	}
	for _, act := range []string{"<script>alert", `" onmouseover`, "\u202e", "ZgotmplZ"} {
		if at := strings.Index(page, act); at >= 0 {
			t.Errorf("%q is in the page: %q", act, page[max(at-80, 0):at+40])
		}
	}
	for _, shown := range []string{
		"2026-11-29 01:02:03 UTC", "Of 3,000 samples", "What stands out", "900 (30.0 %)", "image not found",
		"harvest retry x",
		"curl -X POST", "[U&#43;202E]", "nearest miss: rating 2",
	} {
		if !strings.Contains(page, shown) {
			t.Errorf("%q is not in the page", shown)
		}
	}
	if written(t, o) != page {
		t.Error("the same selection gives another report")
	}
}

// A page shows other rules only if many samples were picked on low ratings.
func TestTrade(t *testing.T) {
	t.Parallel()
	o := outcome(t, 500, 3)
	shown := []string{"Other rules at this budget", "25.0 % of the samples were picked", "threshold 2", "shared with the"}
	page := written(t, o)
	for _, words := range shown {
		if strings.Contains(page, words) {
			t.Errorf("%q is in a page without a comparison", words)
		}
	}
	chosen := subset.TradeRow{Strategy: selection.MMSSR, Figures: o.Pool.Figures(o.Result)}
	chosen.PickRatings = &selection.PickRatings{1: chosen.Selected / 4, 3: chosen.Selected / 4 * 3}
	chosen.Selected = chosen.PickRatings[1] * 4
	o.Selection.Trade = []subset.TradeRow{chosen, {Strategy: selection.MMSSR, Threshold: 2}}
	page = written(t, o)
	for _, words := range append(shown, `aria-label="Command of threshold 2"`) {
		if !strings.Contains(page, words) {
			t.Errorf("%q is not in the page", words)
		}
	}
	if strings.Contains(page, "better") {
		t.Error("the page contains the word better")
	}
}

// The policy of a page allows the style and the script in this page, and no others.
func TestPolicy(t *testing.T) {
	t.Parallel()
	page := written(t, outcome(t, 500, 3))
	content := map[string][]byte{}
	for _, tag := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<` + tag + `>(.*?)</` + tag + `>`).FindStringSubmatch(page)
		if found == nil || strings.Count(page, "<"+tag) != 1 {
			t.Fatalf("the page has no %s, or several", tag)
		}
		content[tag] = []byte(found[1])
	}
	policy := webpage.Policy(content["style"], content["script"])
	// html/template escapes a plus sign in an attribute.
	if !strings.Contains(strings.NewReplacer("&#43;", "+", "&#39;", "'").Replace(page), policy) {
		t.Errorf("the policy is not %s", policy)
	}
	for _, address := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(address[1], "#") && !strings.HasPrefix(address[1], "data:") {
			t.Errorf("the page refers to %s", address[1])
		}
	}
	if strings.Contains(page, " style=") {
		t.Error("the page has a style attribute, which the policy forbids")
	}
}

// In both themes, text has a contrast of at least 4.5 with its background, and a mark of at least 3 (WCAG 2.2, 1.4.3
// and 1.4.11).
func TestContrast(t *testing.T) {
	t.Parallel()
	css, err := files.ReadFile("chart.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string][2]string{}
	for _, m := range regexp.MustCompile(`\.chart (?:text)?\.(\w+) \{ fill: light-dark\((#\w+), (#\w+)\)`).
		FindAllStringSubmatch(string(css), -1) {
		colours[m[1]] = [2]string{m[2], m[3]}
	}
	for theme, ground := range []string{"#ffffff", "#0d1117"} {
		for level := range 6 {
			name := fmt.Sprintf("h%d", level)
			if c := contrast(colours[name][theme], colours[name+"t"][theme]); c < 4.5 {
				t.Errorf("theme %d: text on %s has a contrast of %.2f", theme, name, c)
			}
		}
		for _, name := range []string{"pool", "random", "subset"} {
			if c := contrast(colours[name][theme], ground); c < 3 {
				t.Errorf("theme %d: %s has a contrast of %.2f", theme, name, c)
			}
		}
	}
}

// contrast returns the contrast of two colours as WCAG 2.2 defines it, in [1, 21].
func contrast(a, b string) float64 {
	luminance := func(colour string) float64 {
		var rgb [3]int
		if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
			return math.NaN()
		}
		sum := 0.0
		for i, share := range []float64{0.2126, 0.7152, 0.0722} {
			v := float64(rgb[i]) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			sum += share * v
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// A gallery has each picture once, and the pictures have a limited total size.
func TestPlace(t *testing.T) {
	t.Parallel()
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, image.NewGray(image.Rect(0, 0, 600, 20))); err != nil {
		t.Fatal(err)
	}
	small, fault := images.Thumbnail(encoded.Bytes(), pictureSize)
	if fault != nil {
		t.Fatal(fault.Reason())
	}
	if size, _, err := image.DecodeConfig(bytes.NewReader(small)); err != nil || size.Width != 192 || size.Height != 6 {
		t.Errorf("the picture has %v, %v", size, err)
	}
	g := &Gallery{}
	hashes, pictures := map[*Card]images.Hash{}, map[images.Hash]picture{}
	for i := range 6 {
		card := &Card{Source: "a"}
		hashes[card] = images.Hash{byte(i / 2)}
		pictures[hashes[card]] = picture{data: make([]byte, 3000)}
		g.Cards = append(g.Cards, card)
	}
	g.place(hashes, pictures, 9000)
	if len(g.Pictures) != 2 || g.Cards[0].Picture != g.Cards[1].Picture || g.Cards[4].NoPicture == "" {
		t.Errorf("%d pictures, the last one is %q", len(g.Pictures), g.Cards[4].NoPicture)
	}
}

// A gallery has at most 300 samples, each once.
func TestChoose(t *testing.T) {
	t.Parallel()
	o := outcome(t, 3000, 5)
	c, err := choose(o, newTally(o), o.Pool.Reasons(o.Params, o.Result), explained(o))
	if err != nil {
		t.Fatal(err)
	}
	seen, of := map[uint32]bool{}, map[string]int{}
	for _, s := range c.samples {
		if seen[s] {
			t.Errorf("sample %d is shown twice", s)
		}
		seen[s] = true
		for _, kind := range c.kinds[s] {
			of[kind]++
		}
	}
	for _, k := range kinds {
		if of[k.Name] < 9 {
			t.Errorf("%d samples are %s", of[k.Name], k.Name)
		}
	}
	if len(c.samples) > maxPictures {
		t.Errorf("%d samples", len(c.samples))
	}
}

// BenchmarkReport measures a report of a pool in memory, without pictures: the tally, the selections at other budgets,
// the gallery and the page. A report of 2.6 million samples should take less than 30 s.
func BenchmarkReport(b *testing.B) {
	for _, samples := range []int{10_000, 2_600_000} {
		if testing.Short() && samples > 10_000 {
			continue
		}
		b.Run(fmt.Sprintf("samples=%d", samples), func(b *testing.B) {
			o := outcome(b, samples, 90)
			size := 0
			for b.Loop() {
				size = len(written(b, o))
			}
			b.ReportMetric(float64(size), "page-bytes")
		})
	}
}
