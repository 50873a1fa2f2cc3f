package embedded

import (
	"bytes"
	gocmp "cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/memory/memorytest"
	"github.com/harvest-ml/harvest/shared/rubric"
	"github.com/harvest-ml/harvest/shared/scorer"
)

func defaultScorer(t testing.TB) *Scorer {
	t.Helper()
	s, err := New(rubric.Default(), memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encodePNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func encodeJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, img, nil); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

// variedItems returns samples with one, several and no images, and with one and several turns.
func variedItems(t testing.TB) []scorer.Item {
	t.Helper()
	photograph := encodePNG(t, paint(160, 120, scenery()))
	printed := encodePNG(t, paint(160, 120, letters))
	charted := encodePNG(t, paint(160, 120, bars))
	item := func(images [][]byte, texts ...string) scorer.Item {
		return scorer.Item{Sample: &dataset.Sample{Turns: talk(texts...)}, Images: images}
	}
	return []scorer.Item{
		item([][]byte{photograph}, "<image>\nDescribe the image.", "A man rides a brown horse along the beach."),
		item([][]byte{photograph}, "<image>\nLocate the dog as [x1, y1, x2, y2].", "[0.12, 0.30, 0.55, 0.91]"),
		item([][]byte{photograph, printed}, "<image><image>\nHow do the two differ?",
			"The first is a photo, the second is a page of text."),
		item([][]byte{printed}, "<image>\nTranscribe the text.", "Sweet are the uses of adversity"),
		item([][]byte{charted}, "<image>\nWhich bar is the highest?\nA. 2019\nB. 2020", "B"),
		item(nil, "A train goes 60 km in an hour. How far does it go in 3 hours? Show your work.",
			"In one hour it goes 60 km, so in three hours it goes 3 * 60 = 180 km."),
		item(nil, "Is Paris the capital of France?", "Yes", "Why is it so?",
			"Because the kings of France had their court there for centuries."),
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	id := defaultScorer(t).ID()
	if !regexp.MustCompile(`^embedded-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("id %q", id)
	}
	fewer := rubric.Default()
	fewer.Capabilities = []string{"stem knowledge", "scene understanding"}
	s, err := New(fewer, memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.ID() == id {
		t.Error("another rubric has the same id")
	}
	items := variedItems(t)
	part, whole := mustRate(t, s, items), mustRate(t, defaultScorer(t), items)
	names := rubric.Default().Capabilities
	for i := range items {
		want := []int8{
			whole[i].Ratings[slices.Index(names, "stem knowledge")],
			whole[i].Ratings[slices.Index(names, "scene understanding")],
		}
		if diff := cmp.Diff(want, part[i].Ratings); diff != "" {
			t.Errorf("item %d under a shorter rubric (-want +got):\n%s", i, diff)
		}
	}
}

func TestNewNamesTheUnknown(t *testing.T) {
	t.Parallel()
	own := rubric.Default()
	own.Capabilities = append(own.Capabilities, "humour", "music")
	own.Styles = append(own.Styles, "haiku")
	_, err := New(own, memorytest.Budget(t))
	if err == nil {
		t.Fatal("a rubric with unknown capabilities was accepted")
	}
	for _, want := range []string{`capability "humour"`, `capability "music"`, `style "haiku"`, "harvest train"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
	}
}

// TestVersion fails if the features have changed since Version was set. Then raise Version, train the weights again,
// and update the fingerprint.
func TestVersion(t *testing.T) {
	t.Parallel()
	const want = "3: 05b8fdfc6ffb"
	sum := sha256.New()
	stored := scorer.Item{ // a JPEG, whose luma is used as it is stored
		Sample: &dataset.Sample{Turns: talk("<image>\nWhich is it?\n1. sea\n2. desert", "2")},
		Images: [][]byte{encodeJPEG(t, paint(160, 120, scenery()))},
	}
	for _, item := range append(variedItems(t), stored) {
		f, fault, err := NewObserver(memorytest.Budget(t)).Observe(t.Context(), item)
		if err != nil {
			t.Fatal(err)
		}
		if fault != nil {
			t.Fatal(fault.Reason())
		}
		if err := json.NewEncoder(sum).Encode(f); err != nil {
			t.Fatal(err)
		}
	}
	if got := Version + ": " + hex.EncodeToString(sum.Sum(nil)[:6]); got != want {
		t.Errorf("version and fingerprint of the features are %q, want %q", got, want)
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	results := mustRate(t, defaultScorer(t), variedItems(t))
	capabilities := rubric.Default().Capabilities
	// The capability that a person would name first must be among the three highest.
	want := []string{
		"scene understanding", "object spatial understanding", "comparative analysis", "optical character recognition",
		"data understanding", "logical deduction", "humanities",
	}
	for i, r := range results {
		if r.Reason != "" || len(r.Ratings) != len(capabilities) || len(r.Expected) != len(capabilities) {
			t.Fatalf("item %d: %+v", i, r)
		}
		order := make([]int, len(capabilities))
		for c, x := range r.Expected {
			if x*1024 != float32(int(x*1024)) || r.Ratings[c] != int8(x+0.5) {
				t.Errorf("item %d, %s: expected score %v, rating %d", i, capabilities[c], x, r.Ratings[c])
			}
			order[c] = c
		}
		slices.SortStableFunc(order, func(a, b int) int { return gocmp.Compare(r.Expected[b], r.Expected[a]) })
		if at := slices.IndexFunc(order, func(c int) bool { return capabilities[c] == want[i] }); at > 2 {
			t.Errorf("item %d: %s has rank %d of its capabilities, want at most 3", i, want[i], at+1)
		}
	}
}
func TestRateKeepsStylesOfTheRubric(t *testing.T) {
	t.Parallel()
	r := rubric.Default()
	r.Styles = []string{comparison}
	s, err := New(r, memorytest.Budget(t))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, result := range mustRate(t, s, variedItems(t)[1:3]) {
		got = append(got, result.Styles)
	}
	if diff := cmp.Diff([][]string{nil, {comparison}}, got); diff != "" {
		t.Errorf("styles (-want +got):\n%s", diff)
	}
}

func TestRateWhateverTheBatch(t *testing.T) {
	t.Parallel()
	s, items := defaultScorer(t), variedItems(t)
	whole := mustRate(t, s, items)
	for i := range items {
		if diff := cmp.Diff(whole[i:i+1], mustRate(t, s, items[i:i+1])); diff != "" {
			t.Errorf("item %d alone (-whole +alone):\n%s", i, diff)
		}
	}
}

func TestRateBrokenImage(t *testing.T) {
	t.Parallel()
	items := variedItems(t)
	good := mustRate(t, defaultScorer(t), items[:1])[0]
	items[2].Images[1] = items[2].Images[1][:60]
	items[2].Sample.Images = []dataset.Image{{Name: "a.png"}, {Name: "b.png"}}
	items[3].Images[0] = []byte("no image")
	got := mustRate(t, defaultScorer(t), items[:4])
	if diff := cmp.Diff(good, got[0]); diff != "" {
		t.Errorf("the neighbour of a broken image (-want +got):\n%s", diff)
	}
	for i, want := range map[int]string{
		2: "image does not decode: image 2 (b.png): ", 3: "image format unknown: image 1: ",
	} {
		if !strings.HasPrefix(got[i].Reason, want) {
			t.Errorf("reason %q, want %q and why", got[i].Reason, want)
		}
		if got[i].Ratings != nil || got[i].Expected != nil || got[i].Styles != nil {
			t.Errorf("a sample that cannot be rated has ratings: %+v", got[i])
		}
	}
}

func TestRateCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := defaultScorer(t).Rate(ctx, variedItems(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the error of the context", err)
	}
}

func mustRate(t testing.TB, s *Scorer, items []scorer.Item) []scorer.Result {
	t.Helper()
	results, err := s.Rate(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// surfaces returns a painting like scenery, but as smooth as a photograph. As a JPEG, it has about as many bits a pixel
// as a photograph.
func surfaces() painting {
	rng := rand.New(rand.NewPCG(3, 4))
	return func(x, y int) color.NRGBA {
		grain := func(v, period int) uint8 {
			return uint8(90 + 60*math.Sin(float64(v)/float64(period)) + 25*math.Sin(float64(x*y)/9000) + float64(rng.IntN(9)))
		}
		return color.NRGBA{grain(x, 37), grain(y, 23), grain(x+y, 51), 255}
	}
}

// BenchmarkRate uses as many processors as -cpu states. Photographs of public datasets have 1.0 to 1.4 bits a pixel.
func BenchmarkRate(b *testing.B) {
	encoded := func(p painting) [][]byte {
		var data bytes.Buffer
		if err := jpeg.Encode(&data, paint(768, 768, p), &jpeg.Options{Quality: 85}); err != nil {
			b.Fatal(err)
		}
		return [][]byte{data.Bytes()}
	}
	const (
		question = "Which statement is right, according to the picture?\n" +
			"A. The left bar is higher.\nB. The right bar is higher.\nExplain your reasoning."
		answer = "The left bar ends at 40 and the right bar ends at 25, so the left bar is higher than the right " +
			"one. Therefore the answer is A."
	)
	for _, bench := range []struct {
		name   string
		images [][]byte
	}{
		{"text", nil},
		{"photo768", encoded(surfaces())},
		{"grain768", encoded(scenery())},
		{"page768", [][]byte{encodePNG(b, paint(768, 768, letters))}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			text := talk(strings.Repeat("<image>\n", len(bench.images))+question, answer)
			items := slices.Repeat([]scorer.Item{{Sample: &dataset.Sample{Turns: text}}}, 64)
			s := defaultScorer(b)
			for number := uint64(0); b.Loop(); {
				for i := range items {
					items[i].Images = nil
					for _, image := range bench.images {
						number++ // bytes after the end of the image: equal images would be decoded once
						items[i].Images = append(items[i].Images, binary.LittleEndian.AppendUint64(slices.Clip(image), number))
					}
				}
				mustRate(b, s, items)
			}
			b.ReportMetric(float64(b.N*len(items))/b.Elapsed().Seconds(), "samples/s")
			if bench.images != nil {
				b.ReportMetric(8*float64(len(bench.images[0]))/(768*768), "bits/pixel")
			}
		})
	}
}
