package similarity_test

import (
	"crypto/sha256"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/similarity"
	"github.com/harvest-ml/harvest/shared/thorough"
)

func TestTemplate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"What was the value in 2010, in 1,250 units?":             "what was the value in # in # units",
		`Where is "Main Street"?`:                                 "where is _",
		"Which is right?\nA. red\nB. green\nAnswer with a letter": "which is right answer with a letter",
		"Which? (A) one (B) two":                                  "which",
		"¿Qué es esto?":                                           "qué es esto",
		"12:30":                                                   "#",
		"...":                                                     "",
	} {
		if got := similarity.Template(text); got != want {
			t.Errorf("%q has the template %q, want %q", text, got, want)
		}
	}
	long := ""
	for i := range 100 {
		long += fmt.Sprintf("word%c ", 'a'+rune(i%20))
	}
	if got := similarity.Template(long); len(got) > 160 {
		t.Errorf("the template of a long text has %d bytes, want at most 160", len(got))
	}
}

func TestQuestion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"How many dogs are there?\nAnswer the question using a single word or phrase.": "how many dogs are there",
		"Question: How many dogs?": "how many dogs",
		"Which animal?\nA. dog\nB. cat\nAnswer with the option's letter from the given choices directly.": "which animal",
	} {
		if got := similarity.Question(text); got != want {
			t.Errorf("%q is compared as %q, want %q", text, got, want)
		}
	}
	if alone := "Answer the question using a single word or phrase."; similarity.Question(alone) == "" {
		t.Errorf("the form of %q for comparisons is empty", alone)
	}
}

// TestSignatures writes signatures as text and reads them again. Invalid texts are refused.
func TestSignatures(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	look := similarity.OfImage(chart(rng), 1)
	again, err := similarity.ParseImage(look.String())
	if err != nil || again != look {
		t.Errorf("the image that was read differs from the image that was written: %v", err)
	}
	words := similarity.TextOf([]string{"What is the highest value of the chart?"}).Words
	if read, err := similarity.ParseSignature(words.String()); err != nil || read != words {
		t.Errorf("the signature that was read differs from the signature that was written: %v", err)
	}
	for _, text := range []string{"x", "AAAA", look.String() + "AAAA"} {
		if _, err := similarity.ParseImage(text); err == nil {
			t.Errorf("%q was accepted as an image", text)
		}
		if _, err := similarity.ParseSignature(text); err == nil {
			t.Errorf("%q was accepted as a signature", text)
		}
	}
	if blank := similarity.OfImage(white(40, 30), 1); blank != (similarity.Image{}) {
		t.Error("the signature of a white image is not zero")
	}
}

// TestStoredSignatures compares the signatures of fixed inputs with stored ones. If they change, raise
// run.LayoutVersion.
func TestStoredSignatures(t *testing.T) {
	t.Parallel()
	const question = "What is the highest value of the chart in 2019?\nAnswer the question using a single word or phrase."
	text := similarity.TextOf([]string{question})
	stored := fmt.Sprintln(
		similarity.OfImage(chart(rand.New(rand.NewPCG(7, 8))), 1), text.Words, text.Questions, similarity.Template(question))
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(stored)))[:16]; got != "5617134bb0ab8f60" {
		t.Errorf("the hash of the signatures is now %s; if this is intended, raise run.LayoutVersion:\n%s", got, stored)
	}
}

// TestOrientation turns a picture by its EXIF orientation.
func TestOrientation(t *testing.T) {
	t.Parallel()
	upright := chart(rand.New(rand.NewPCG(7, 8)))
	b := upright.Bounds()
	turned := image.NewRGBA(image.Rect(0, 0, b.Dy(), b.Dx())) // orientation 6: the top of the picture is at the right
	for y := range b.Dy() {
		for x := range b.Dx() {
			turned.Set(y, b.Dx()-1-x, upright.At(x, y))
		}
	}
	want, got := similarity.OfImage(upright, 1), similarity.OfImage(turned, 6)
	if _, near := want.Near(got); !near {
		t.Error("a turned picture with its orientation is not near to the picture")
	}
	if _, near := want.Near(similarity.OfImage(turned, 1)); near {
		t.Error("a turned picture without its orientation is near to the picture")
	}
}

// TestIndex finds signatures that differ in some bits, among many others.
func TestIndex(t *testing.T) {
	t.Parallel()
	const many = 20_000
	rng := rand.New(rand.NewPCG(9, 10))
	all := make([]similarity.Signature, many)
	for i := range all {
		all[i] = similarity.Signature{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}
	}
	x := similarity.NewIndex(all)
	for _, test := range []struct {
		bits  int
		least float64
	}{{0, 1}, {8, .999}, {16, .99}, {24, .97}} {
		const tries = 500
		found := 0
		for range tries {
			i := rng.IntN(many)
			changed := all[i]
			for _, bit := range rng.Perm(similarity.Bits)[:test.bits] {
				changed[bit/64] ^= 1 << (bit % 64)
			}
			x.Near(changed, test.bits, func(j, distance int) {
				if j == i && distance == test.bits {
					found++
				}
			})
		}
		if share := float64(found) / tries; share < test.least {
			t.Errorf("%d different bits: a share of %.3f is found, want at least %.3f", test.bits, share, test.least)
		}
	}
}

// TestMatch compares a sample with the items of an evaluation set.
func TestMatch(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	looks := make([]similarity.Image, 3)
	for i := range looks {
		looks[i] = similarity.OfImage(chart(rng), 1)
	}
	content := func(question string, images ...int) similarity.Content {
		c := similarity.Content{Text: similarity.TextOf([]string{question})}
		for _, i := range images {
			c.Hashes, c.Images = append(c.Hashes, fmt.Sprint(i)), append(c.Images, looks[i])
		}
		return c
	}
	set := similarity.NewSet([]similarity.Content{
		content("What is the highest value?", 0), content("Which bar is the lowest one?", 0), content("How many bars?", 1),
		content("", 1),
	})
	turns := content("", 1)
	turns.Text = similarity.TextOf([]string{"Hello!", "How many bars?"})
	for name, test := range map[string]struct {
		sample similarity.Content
		want   []string
	}{
		"both":          {content("what is the HIGHEST value", 0), []string{"both 0", "image 1"}},
		"an image":      {content("Describe the chart.", 1), []string{"image 3", "image 2"}},
		"without words": {content("?!", 1), []string{"both 3", "image 2"}},
		"marks alone":   {content("?!"), nil},
		"a text":        {content("How many bars?", 2), []string{"text 2"}},
		"nothing":       {content("Describe the chart.", 2), nil},
		"one of turns":  {turns, []string{"both 2", "image 3"}},
		"without image": {content("Which bar is the lowest one?"), []string{"text 1"}},
	} {
		var got []string
		for _, pair := range set.Match(test.sample) {
			got = append(got, fmt.Sprint(pair.Kind, " ", pair.Item))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestClusters(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 14))
	first, second := chart(rng), chart(rng)
	c := similarity.NewClusterer()
	add := func(question string, pictures ...image.Image) {
		sample := similarity.Content{Text: similarity.TextOf([]string{question})}
		for _, p := range pictures {
			look := similarity.OfImage(p, 1)
			sample.Hashes, sample.Images = append(sample.Hashes, look.String()[:40]+fmt.Sprint(p.Bounds())),
				append(sample.Images, look)
		}
		c.Add(sample)
	}
	add("What is it?", first)                                   // 0
	add("What is it?", scaled(first, first.Bounds(), 240, 180)) // a copy
	add("What is it?", second)                                  // 2: a different image
	add("Which bar is the highest one?", first)                 // 3: a different question
	add("What is it?", first, second)                           // 4: a different number of images
	add("Write a poem about autumn leaves.")                    // 5
	add("Write a poem about autumn leaves!")                    // the same words
	add("Write a poem about autumn rain.")                      // 7
	c.Add(similarity.Content{})                                 // 8: not scored, so it cannot be compared
	c.Add(similarity.Content{})                                 // 9
	add("!!!")                                                  // 10: no word that another could share
	add("???")                                                  // 11
	add("", first)                                              // 12
	add("?", first)                                             // the same image, and no words
	if diff := cmp.Diff([]uint32{0, 0, 2, 3, 4, 5, 5, 7, 8, 9, 10, 11, 12, 12}, c.Leaders()); diff != "" {
		t.Errorf("leaders (-want +got):\n%s", diff)
	}
}

// TestTextDistance compares the distance of texts with the similarity of their sets of word pairs.
func TestTextDistance(t *testing.T) {
	t.Parallel()
	words := make([]string, 60)
	for i := range words {
		words[i] = fmt.Sprintf("w%d", i)
	}
	text := func(words []string) string { return fmt.Sprint(words) }
	whole := similarity.TextOf([]string{text(words)}).Words
	near := slices.Clone(words)
	near[30] = "other"
	if d := whole.Distance(similarity.TextOf([]string{text(near)}).Words); d > similarity.TextMost {
		t.Errorf("a text with one of 60 words changed differs in %d bits, want at most %d", d, similarity.TextMost)
	}
	slices.Reverse(near)
	if d := whole.Distance(similarity.TextOf([]string{text(near)}).Words); d < 90 {
		t.Errorf("a text of other pairs differs in %d bits, want about 128", d)
	}
}

// TestTemplateClusters joins templates that differ in few words. The most frequent template leads.
func TestTemplateClusters(t *testing.T) {
	t.Parallel()
	var all similarity.Templates
	for _, template := range []struct {
		text    string
		samples uint32
	}{
		{"describe the picture", 3}, {"what is the value of the exports in # in the given chart", 4},
		{"what is the value of the imports in # in the given chart", 1}, {"how many dogs are there", 1},
	} {
		all.Number(similarity.TemplateKeyOf(template.text), template.text, template.samples)
	}
	of, names := all.Clusters(2)
	if diff := cmp.Diff([]uint32{0, 2, 1, 1, 3}, of); diff != "" {
		t.Errorf("clusters (-want +got):\n%s", diff)
	}
	want := []string{"what is the value of the exports in # in the given chart", "describe the picture"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// BenchmarkIndex searches for each of a million signatures among all of them. Half of the signatures are near to
// another signature.
func BenchmarkIndex(b *testing.B) {
	const many = 1_000_000
	rng := rand.New(rand.NewPCG(15, 16))
	all := make([]similarity.Signature, many)
	for i := range all {
		all[i] = similarity.Signature{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}
		if i%2 == 1 {
			all[i] = all[i-1]
			for _, bit := range rng.Perm(similarity.Bits)[:8] {
				all[i][bit/64] ^= 1 << (bit % 64)
			}
		}
	}
	for b.Loop() {
		x, found := similarity.NewIndex(all), 0
		for i, s := range all {
			x.Near(s, similarity.ImageMost, func(j, _ int) {
				if j != i {
					found++
				}
			})
		}
		b.ReportMetric(float64(found)/many, "found/sample")
		b.ReportMetric(thorough.ProcessorTime().Seconds(), "CPU-s")
	}
}

// manyContents returns samples with one image each and different texts. Half of them are near to another sample.
func manyContents(many int) []similarity.Content {
	rng := rand.New(rand.NewPCG(17, 18))
	samples := make([]similarity.Content, many)
	for i := range samples {
		look := similarity.Image{Shape: similarity.Signature{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}}
		text := similarity.Text{
			Words:     similarity.Signature{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()},
			Questions: []uint64{rng.Uint64()},
		}
		if i%2 == 1 {
			look, text = samples[i-1].Images[0], samples[i-1].Text
			look.Shape[rng.IntN(4)] ^= 0xf << rng.IntN(60)
		}
		samples[i] = similarity.Content{Hashes: []string{fmt.Sprint(i)}, Images: []similarity.Image{look}, Text: text}
	}
	return samples
}

// BenchmarkClusters finds the near duplicates of samples with one image each.
func BenchmarkClusters(b *testing.B) {
	for _, many := range []int{250_000, 500_000, 1_000_000} {
		samples := manyContents(many)
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			before := thorough.ProcessorTime()
			clusters := 0
			for b.Loop() {
				c := similarity.NewClusterer()
				for _, s := range samples {
					c.Add(s)
				}
				clusters = 0
				for i, leader := range c.Leaders() {
					if int(leader) == i {
						clusters++
					}
				}
			}
			b.ReportMetric((thorough.ProcessorTime()-before).Seconds()/float64(b.N), "CPU-s/op")
			b.ReportMetric(float64(clusters)/float64(many), "clusters/sample")
		})
	}
}

// BenchmarkMatch compares a million samples with an evaluation set of 20,000 items, which are a part of the samples.
func BenchmarkMatch(b *testing.B) {
	samples := manyContents(1_000_000)
	set := similarity.NewSet(samples[:20_000])
	before := thorough.ProcessorTime()
	pairs := 0
	for b.Loop() {
		for _, s := range samples {
			pairs += len(set.Match(s))
		}
	}
	b.ReportMetric((thorough.ProcessorTime()-before).Seconds()/float64(b.N), "CPU-s/op")
	b.ReportMetric(float64(pairs)/float64(b.N), "pairs")
}
