package main

import (
	"fmt"
	"image/color"
	"strings"
)

// A token is a plain shape on a board.
type token struct {
	kind string
	paint
	at pt
	r  float64
}

func (t token) called() string { return t.name + " " + t.kind }

func (c *canvas) token(t token) {
	switch t.kind {
	case "circle":
		c.disc(t.ink, t.at, t.r)
	case "square":
		c.rect(t.ink, t.at.x-0.85*t.r, t.at.y-0.85*t.r, 1.7*t.r, 1.7*t.r)
	case "triangle":
		c.fill(t.ink, polygon(t.at, t.r, 3, 1)...)
	case "star":
		c.fill(t.ink, polygon(t.at, t.r, 5, 0.42)...)
	case "hexagon":
		c.fill(t.ink, polygon(t.at, t.r, 6, 1)...)
	}
}

func tokenKinds() []string { return []string{"circle", "square", "triangle", "star", "hexagon"} }

// scatter places n tokens that do not touch, each somewhere in its own cell of a grid.
func (s *shelf) scatter(w, h, n int, kinds []string, inks []paint) []token {
	const cell = 48
	columns := w / cell
	var tokens []token
	for _, k := range s.rng.Perm(columns * (h / cell))[:n] {
		r := s.between(13, 20)
		slack := cell/2 - r - 1
		at := pt{
			float64(w%cell/2 + k%columns*cell + cell/2 + s.between(-slack, slack)),
			float64(h%cell/2 + k/columns*cell + cell/2 + s.between(-slack, slack)),
		}
		tokens = append(tokens, token{pick(s, kinds), pick(s, inks), at, float64(r)})
	}
	return tokens
}

func (s *shelf) board(w, h int, background color.Color, tokens []token) *canvas {
	c := s.canvas(w, h, background)
	for _, t := range tokens {
		c.token(t)
	}
	return c
}

func count(tokens []token, fits func(token) bool) int {
	n := 0
	for _, t := range tokens {
		if fits(t) {
			n++
		}
	}
	return n
}

// tally counts tokens by kind, such as `2 circles and 1 star`.
func tally(tokens []token) string {
	var words []string
	for _, kind := range tokenKinds() {
		if n := count(tokens, func(t token) bool { return t.kind == kind }); n > 0 {
			words = append(words, plural(n, kind))
		}
	}
	return listed(words)
}

// shapes draws boards of coloured shapes to count and to find.
func shapes(s *shelf) {
	backgrounds := []color.RGBA{white, paper, rgb(0x20242c)}
	for i := range 20 {
		w, h := pick(s, []int{200, 260, 320}), pick(s, []int{180, 220})
		kinds, inks := sample(s, tokenKinds(), 3), sample(s, paints(), 3)
		tokens := s.scatter(w, h, s.between(6, 11), kinds, inks)
		only := token{"star", paint{"white", rgb(0xfdfdfd)}, pt{}, 0}
		if i%3 != 2 {
			only.paint = paint{"black", black}
		}
		only.at, only.r = tokens[0].at, 16
		tokens[0] = only
		c := s.board(w, h, backgrounds[i%3], tokens)
		image := s.drawing(c)
		kind, ink := tokens[1].kind, tokens[1].name
		ofKind := count(tokens, func(t token) bool { return t.kind == kind })
		ofInk := count(tokens, func(t token) bool { return t.name == ink })
		both := count(tokens, func(t token) bool { return t.kind == kind && t.name == ink })
		switch i % 10 {
		case 0:
			s.ask(shortPhrase, image, fmt.Sprintf("How many %ss are there?", kind), fmt.Sprint(ofKind))
		case 1:
			s.ask(stepByStep, image, fmt.Sprintf("How many shapes are either %s or %ss? Count step by step.", ink, kind),
				fmt.Sprintf("I count %d %s shapes. I count %d %ss of any colour. The shapes that are both, %s %ss, number %d and must not be counted twice. So the answer is %d + %d - %d = %d.", ofInk, ink, ofKind, kind, ink, kind, both, ofInk, ofKind, both, ofInk+ofKind-both))
		case 2, 7:
			s.ask(coordinate, image, fmt.Sprintf("Where is the %s star? Answer with [x1, y1, x2, y2] relative to width and height.", only.name), c.box(only.at.x-only.r, only.at.y-only.r, 2*only.r, 1.81*only.r))
		case 3:
			s.ask(yesNo, image, fmt.Sprintf("Are there more %ss than other shapes?", kind), map[bool]string{true: "Yes", false: "No"}[2*ofKind > len(tokens)])
		case 4:
			s.choose(image, "How many shapes are in the image in total?", fmt.Sprint(len(tokens)), fmt.Sprint(len(tokens)+1), fmt.Sprint(len(tokens)-1), fmt.Sprint(len(tokens)+3))
		case 5:
			s.ask(detailed, image, "Describe the arrangement of shapes in detail.", arrangement(tokens, w, h))
		case 6:
			s.ask(comparison, image, fmt.Sprintf("Compare the number of %s shapes with the number of all others.", ink),
				fmt.Sprintf("%d of the %d shapes are %s and %d have another colour, so %s.", ofInk, len(tokens), ink, len(tokens)-ofInk,
					map[bool]string{true: ink + " is the colour of the majority", false: ink + " shapes are not in the majority"}[2*ofInk > len(tokens)]))
		case 8:
			s.ask(shortText, image, "Caption this image.", fmt.Sprintf("%s scattered over a plain background.", capital(tally(tokens))))
		case 9:
			var parts []string
			for _, k := range tokenKinds() {
				parts = append(parts, fmt.Sprintf("%q: %d", k, count(tokens, func(t token) bool { return t.kind == k })))
			}
			s.ask(specified, image, "Count the shapes by kind. Answer as one line of JSON with the keys circle, square, triangle, star and hexagon.", "{"+strings.Join(parts, ", ")+"}")
		}
	}
}

func arrangement(tokens []token, w, h int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The image holds %d shapes on a plain background: %s.", len(tokens), tally(tokens))
	for row, name := range []string{"upper", "lower"} {
		for column, side := range []string{"left", "right"} {
			var words []string
			for _, t := range tokens {
				if int(t.at.y)*2/h == row && int(t.at.x)*2/w == column {
					words = append(words, article(t.called()))
				}
			}
			if len(words) > 0 {
				fmt.Fprintf(&b, " In the %s %s quarter there is %s.", name, side, listed(words))
			} else {
				fmt.Fprintf(&b, " The %s %s quarter is empty.", name, side)
			}
		}
	}
	biggest := tokens[0]
	for _, t := range tokens {
		if t.r > biggest.r {
			biggest = t
		}
	}
	fmt.Fprintf(&b, " No two shapes touch or overlap. The largest is %s, about %.0f pixels across in an image of %d by %d pixels; the only %s is the %s star.",
		article(biggest.called()), 2*biggest.r, w, h, tokens[0].name+" shape", tokens[0].name)
	return b.String()
}
