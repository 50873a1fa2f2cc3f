package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
)

// A style is how an answer is given, one of the nine that the default rubric tells apart. The dataset
// does not tell it: it is what a styler has to find out.
type style string

const (
	multiChoice style = "multi-choice"
	coordinate  style = "coordinate"
	yesNo       style = "yes/no"
	shortPhrase style = "word/short-phrase"
	shortText   style = "short description"
	detailed    style = "detailed description"
	comparison  style = "comparison"
	stepByStep  style = "chain-of-thought (step-by-step)"
	specified   style = "specified style"
)

// A record is one sample in LLaVA's form.
type record struct {
	ID            string `json:"id"`
	Image         any    `json:"image,omitempty"` // a name, or a list of names
	Source        string `json:"data_source"`
	Conversations []turn `json:"conversations"`

	style style // of the first answer
}

type turn struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// A shelf is the part of the demo dataset that comes from one source.
type shelf struct {
	source  string
	folder  string // of its images
	prefix  string // of its ids
	faces   *faces
	rng     *rand.Rand
	records []record
	files   []file
	err     error // the first fault of encoding an image
}

// shelves draws all sources. Each has its own random numbers, so that a change of one leaves the
// others' bytes alone.
func shelves(faces *faces) ([]*shelf, error) {
	sources := []struct {
		source, folder, prefix string
		draw                   func(*shelf)
	}{
		{"chart_reader", "charts", "chart", charts},
		{"table_facts", "tables", "table", tables},
		{"paper_trail", "documents", "doc", documents},
		{"street_and_room", "scenes", "scene", scenes},
		{"shape_count", "shapes", "shape", shapes},
		{"cause_diagrams", "diagrams", "cause", diagrams},
		{"island_atlas", "maps", "map", maps},
		{"world_and_time", "world", "world", world},
		{"plane_geometry", "geometry", "geo", geometry},
		{"clock_faces", "clocks", "clock", clocks},
		{"pattern_puzzles", "puzzles", "puzzle", puzzles},
		{"formula_sheets", "formulas", "formula", formulas},
		{"stick_figures", "figures", "figure", figures},
		{"spot_the_change", "pairs", "pair", pairs},
		{"plain_text", "", "text", texts},
	}
	var all []*shelf
	for _, source := range sources {
		seed := fnv.New64a()
		seed.Write([]byte(source.source))
		s := &shelf{source: source.source, folder: source.folder, prefix: source.prefix, faces: faces,
			rng: rand.New(rand.NewPCG(seed.Sum64(), 1))}
		source.draw(s)
		if s.err != nil {
			return nil, fmt.Errorf("source %s: %w", s.source, s.err)
		}
		all = append(all, s)
	}
	return all, nil
}

// newDemo is the demo dataset: dataset.json, in a shuffled order as pools have it, and its images.
func newDemo(faces *faces) ([]file, error) {
	all, err := shelves(faces)
	if err != nil {
		return nil, err
	}
	var records []record
	var files []file
	for _, s := range all {
		records = append(records, s.records...)
		files = append(files, s.files...)
	}
	rng := rand.New(rand.NewPCG(14, 9))
	rng.Shuffle(len(records), func(i, k int) { records[i], records[k] = records[k], records[i] })
	manifest, err := indented(records)
	if err != nil {
		return nil, err
	}
	return append(files, file{"dataset.json", manifest}), nil
}

// indented is JSON as dataset dumps have it: one space per level, `<image>` unescaped.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// photo and drawing add an image to the shelf, as JPEG and PNG, and return its name.
func (s *shelf) photo(c *canvas) string   { data, err := c.jpeg(s); return s.keep(data, err, "jpg") }
func (s *shelf) drawing(c *canvas) string { data, err := c.png(); return s.keep(data, err, "png") }

func (s *shelf) keep(data []byte, err error, extension string) string {
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("encoding image %d: %w", len(s.files)+1, err)
	}
	name := fmt.Sprintf("%s/%04d.%s", s.folder, len(s.files)+1, extension)
	s.files = append(s.files, file{name, data})
	return name
}

// An exchange is a question with its answer.
type exchange struct{ question, answer string }

// add makes a sample of images and exchanges; the marks of the images begin the first question.
func (s *shelf) add(how style, images []string, exchanges ...exchange) {
	r := record{ID: fmt.Sprintf("%s-%04d", s.prefix, len(s.records)+1), Source: s.source, style: how}
	switch len(images) {
	case 0:
	case 1:
		r.Image = images[0]
	default:
		r.Image = images
	}
	for i, e := range exchanges {
		if i == 0 {
			e.question = strings.Repeat("<image>\n", len(images)) + e.question
		}
		r.Conversations = append(r.Conversations, turn{"human", e.question}, turn{"gpt", e.answer})
	}
	s.records = append(s.records, r)
}

// ask adds a sample of one exchange about one image, or about none where its name is empty.
func (s *shelf) ask(how style, image, question, answer string) {
	var images []string
	if image != "" {
		images = []string{image}
	}
	s.add(how, images, exchange{question, answer})
}

// choose adds a multiple-choice sample: the options are shuffled and the answer is the letter of the right one.
func (s *shelf) choose(image, question, correct string, others ...string) {
	options := append([]string{correct}, others...)
	s.rng.Shuffle(len(options), func(i, k int) { options[i], options[k] = options[k], options[i] })
	var b strings.Builder
	b.WriteString(question)
	var letter string
	for i, option := range options {
		key := string(rune('A' + i))
		fmt.Fprintf(&b, "\n%s. %s", key, option)
		if option == correct {
			letter = key
		}
	}
	b.WriteString("\nAnswer with the option's letter from the given choices directly.")
	s.ask(multiChoice, image, b.String(), letter)
}

// pick is one of the values at random, sample several different ones in random order.
func pick[T any](s *shelf, values []T) T { return values[s.rng.IntN(len(values))] }

func sample[T any](s *shelf, values []T, n int) []T {
	var some []T
	for _, i := range s.rng.Perm(len(values))[:n] {
		some = append(some, values[i])
	}
	return some
}

// between is a random whole number, both bounds included.
func (s *shelf) between(low, high int) int { return low + s.rng.IntN(high-low+1) }

// listed joins words as a sentence does: `a, b and c`.
func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// box writes a rectangle in the normalised form [x1, y1, x2, y2] of grounding data.
func (c *canvas) box(x, y, w, h float64) string {
	return fmt.Sprintf("[%.2f, %.2f, %.2f, %.2f]",
		max(x, 0)/c.width(), max(y, 0)/c.height(), min(x+w, c.width())/c.width(), min(y+h, c.height())/c.height())
}

// plural is `1 apple` or `3 apples`.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// capital begins a sentence.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
