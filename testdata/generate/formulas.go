package main

import (
	"strings"
)

// A term is a piece of a formula. It is drawn and written as LaTeX from the same tree, so that the
// transcription is what the image shows.
type term interface {
	// size is width, height above and depth below the axis on which operators stand, at a font size.
	size(f *faces, em float64) (width, above, below float64)
	draw(c *canvas, em, x, axis float64)
	latex() string
}

// The terms: words, rows of terms, fractions, powers and roots.
type (
	word  string
	row   []term
	over  struct{ top, bottom term }
	power struct{ base, exponent term }
	root  struct{ of term }
)

func (w word) kind() typeface {
	if len(w) == 1 && w >= "A" && w <= "z" {
		return italic
	}
	return regular
}

func (w word) size(f *faces, em float64) (float64, float64, float64) {
	return f.measure(w.kind(), em, string(w)), em * 0.62, em * 0.42
}

func (w word) draw(c *canvas, em, x, axis float64) {
	c.text(w.kind(), em, black, left, x, axis+em*0.3, string(w))
}

func (w word) latex() string {
	named := map[word]string{"π": "\\pi ", "Δ": "\\Delta ", "λ": "\\lambda ", " ± ": " \\pm ", " · ": " \\cdot ", " ≤ ": " \\le ", "Σ": "\\sum "}
	if name, found := named[w]; found {
		return name
	}
	return string(w)
}

func (r row) size(f *faces, em float64) (width, above, below float64) {
	for _, t := range r {
		w, a, b := t.size(f, em)
		width, above, below = width+w, max(above, a), max(below, b)
	}
	return width, above, below
}

func (r row) draw(c *canvas, em, x, axis float64) {
	for _, t := range r {
		t.draw(c, em, x, axis)
		w, _, _ := t.size(c.faces, em)
		x += w
	}
}

func (r row) latex() string {
	var b strings.Builder
	for _, t := range r {
		b.WriteString(t.latex())
	}
	return b.String()
}

func (o over) size(f *faces, em float64) (float64, float64, float64) {
	tw, ta, tb := o.top.size(f, em)
	bw, ba, bb := o.bottom.size(f, em)
	return max(tw, bw) + em*0.5, ta + tb + em*0.1, ba + bb + em*0.1
}

func (o over) draw(c *canvas, em, x, axis float64) {
	width, _, _ := o.size(c.faces, em)
	tw, _, tb := o.top.size(c.faces, em)
	bw, ba, _ := o.bottom.size(c.faces, em)
	c.rect(black, x+em*0.1, axis-1, width-em*0.2, 2)
	o.top.draw(c, em, x+(width-tw)/2, axis-tb-em*0.1)
	o.bottom.draw(c, em, x+(width-bw)/2, axis+ba+em*0.1)
}

func (o over) latex() string { return "\\frac{" + o.top.latex() + "}{" + o.bottom.latex() + "}" }

func (p power) size(f *faces, em float64) (float64, float64, float64) {
	bw, ba, bb := p.base.size(f, em)
	ew, ea, eb := p.exponent.size(f, em*0.65)
	return bw + ew + em*0.06, max(ba, em*0.3+ea+eb), bb
}

func (p power) draw(c *canvas, em, x, axis float64) {
	bw, _, _ := p.base.size(c.faces, em)
	_, _, eb := p.exponent.size(c.faces, em*0.65)
	p.base.draw(c, em, x, axis)
	p.exponent.draw(c, em*0.65, x+bw+em*0.06, axis-em*0.25-eb)
}

func (p power) latex() string { return p.base.latex() + "^{" + p.exponent.latex() + "}" }

func (r root) size(f *faces, em float64) (float64, float64, float64) {
	w, a, b := r.of.size(f, em)
	return w + em*0.85, a + em*0.18, b
}

func (r root) draw(c *canvas, em, x, axis float64) {
	w, a, b := r.of.size(c.faces, em)
	c.line(black, 2, pt{x + em*0.05, axis + b*0.2}, pt{x + em*0.25, axis}, pt{x + em*0.4, axis + b}, pt{x + em*0.65, axis - a - em*0.08}, pt{x + w + em*0.75, axis - a - em*0.08})
	r.of.draw(c, em, x+em*0.72, axis)
}

func (r root) latex() string { return "\\sqrt{" + r.of.latex() + "}" }

// formulas draws typeset formulas to transcribe, to name and to use.
func formulas(s *shelf) {
	two := word("2")
	square := func(t term) term { return power{t, two} }
	for i, f := range []struct {
		term             term
		style            style
		question, answer string // an empty answer is the formula's LaTeX
	}{
		{row{word("x"), word(" = "), over{row{word("-"), word("b"), word(" ± "), root{row{square(word("b")), word(" - "), word("4"), word("a"), word("c")}}}, row{two, word("a")}}},
			specified, "Write this formula in LaTeX.", ""},
		{row{word("E"), word(" = "), word("m"), square(word("c"))}, shortPhrase, "Who published this relation of mass and energy?", "Albert Einstein"},
		{row{word("A"), word(" = "), word("π"), square(word("r"))}, stepByStep, "Use the formula for r = 3 cm. Show the steps.",
			"The formula gives the area of a circle. I put in r = 3 cm: A = π x (3 cm)² = π x 9 cm². With π = 3.14 that is about 28.3 cm²."},
		{row{square(word("a")), word(" + "), square(word("b")), word(" = "), square(word("c"))}, shortText, "What does this formula say?",
			"It is Pythagoras' theorem: in a right triangle the squares over the two legs together equal the square over the hypotenuse."},
		{row{word("v"), word(" = "), over{row{word("Δ"), word("s")}, row{word("Δ"), word("t")}}}, stepByStep, "A cyclist covers 90 m in 12 s. Use the formula to find the speed in m/s and km/h.",
			"Here Δs = 90 m and Δt = 12 s. The formula gives v = 90 m / 12 s = 7.5 m/s. One m/s is 3.6 km/h, so v = 7.5 x 3.6 km/h = 27 km/h."},
		{row{over{word("1"), two}, word(" + "), over{word("1"), word("3")}, word(" = "), word("?")}, stepByStep, "Solve the exercise step by step.",
			"The smallest common denominator of 2 and 3 is 6. 1/2 = 3/6 and 1/3 = 2/6. Adding gives 3/6 + 2/6 = 5/6."},
		{row{word("T"), word(" = "), two, word("π"), root{over{word("l"), word("g")}}}, specified, "Transcribe the formula as LaTeX without dollar signs.", ""},
		{row{root{row{word("16"), word(" + "), word("9")}}, word(" = "), word("7")}, yesNo, "Is this equation true?", "No"},
		{row{power{two, word("10")}, word(" = "), word("?")}, multiChoice, "Choose the result.\nA. 20\nB. 512\nC. 1000\nD. 1024\nAnswer with the option's letter from the given choices directly.", "D"},
		{row{word("F"), word(" = "), word("G"), over{row{word("m"), word(" · "), word("M")}, square(word("r"))}}, detailed, "Explain the formula and all of its symbols.",
			"This is Newton's law of gravitation. On the left stands F, the force with which two bodies attract each other. On the right, m and M are the masses of the two bodies; they are multiplied, so doubling either one doubles the force, and exchanging them changes nothing: both feel the same pull. Below the fraction bar stands r, the distance between their centres, squared: at twice the distance the force falls to a quarter, at three times to a ninth. In front stands G, the gravitational constant, about 6.67 x 10^-11 N m²/kg², which is so small that in daily life the attraction shows only where one of the masses is as large as a planet."},
		{row{square(row{word("("), word("a"), word(" + "), word("b"), word(")")}), word(" = "), square(word("a")), word(" + "), two, word("a"), word("b"), word(" + "), square(word("b"))}, specified, "Convert to LaTeX.", ""},
		{row{over{row{word("x"), word(" + "), word("3")}, word("4")}, word(" = "), word("5")}, stepByStep, "Solve for x.",
			"Multiply both sides by 4: x + 3 = 20. Subtract 3 from both sides: x = 17. Check: (17 + 3) / 4 = 20 / 4 = 5, which is right."},
	} {
		em := []float64{26, 32, 22}[i%3]
		w, above, below := f.term.size(s.faces, em)
		c := s.canvas(max(int(w)+40, 96), max(int(above+below)+40, 96), []paint{{"", white}, {"", paper}}[i%2].ink)
		f.term.draw(c, em, 20, (c.height()+above-below)/2)
		if f.answer == "" {
			f.answer = f.term.latex()
		}
		s.ask(f.style, s.drawing(c), f.question, f.answer)
	}
}
