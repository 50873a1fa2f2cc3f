package main

import (
	"fmt"
	"strings"
)

// puzzles draws sequences of numbers, matrices of shapes and rules shown by example.
func puzzles(s *shelf) {
	s.sequences()
	for i := range 5 {
		s.matrix(i)
	}
	s.examples()
}

func (s *shelf) sequences() {
	for _, p := range []struct {
		values           []int // the last is asked for
		style            style
		question, answer string
	}{
		{[]int{3, 7, 11, 15, 19}, shortPhrase, "Which number belongs in the empty box?", "19"},
		{[]int{2, 6, 18, 54, 162}, stepByStep, "Find the missing number and explain the rule.", "I compare neighbours: 6 / 2 = 3, 18 / 6 = 3 and 54 / 18 = 3. Every number is three times the one before. The next is 54 x 3 = 162."},
		{[]int{1, 4, 9, 16, 25}, stepByStep, "What comes next, and why? Give two ways to see it.", "First way: the numbers are squares, 1 x 1, 2 x 2, 3 x 3 and 4 x 4, so the next is 5 x 5 = 25. Second way: the differences are 3, 5 and 7, the odd numbers; the next difference is 9, and 16 + 9 = 25. Both ways give 25."},
		{[]int{40, 35, 29, 22, 14}, stepByStep, "Which number follows?", "The numbers fall by 5, then by 6, then by 7. The step grows by one each time, so the next step is 8: 22 - 8 = 14."},
		{[]int{1, 1, 2, 3, 5, 8}, multiChoice, "Choose the number for the empty box.\nA. 6\nB. 7\nC. 8\nD. 9\nAnswer with the option's letter from the given choices directly.", "C"},
		{[]int{5, 10, 8, 16, 14, 28}, specified, "Give the missing number inside \\boxed{} and nothing else.", "\\boxed{28}"},
	} {
		c := s.canvas(20+64*len(p.values), 90, paper)
		for k, v := range p.values {
			x := 14 + 64*float64(k)
			c.rect(white, x, 18, 54, 54)
			c.frame(rgb(0x2458a6), 2, x, 18, 54, 54)
			word, ink := fmt.Sprint(v), black
			if k == len(p.values)-1 {
				word, ink = "?", rgb(0xb23a48)
			}
			c.text(bold, 22, ink, centre, x+27, 53, word)
		}
		s.ask(p.style, s.drawing(c), p.question, p.answer)
	}
}

// matrix draws three rows of three shapes, the last one missing: a row has one kind and a column one colour.
func (s *shelf) matrix(i int) {
	kinds, inks := sample(s, tokenKinds(), 3), sample(s, paints(), 3)
	c := s.canvas(240, 240, white)
	for row, kind := range kinds {
		for column, ink := range inks {
			x, y := float64(column)*80, float64(row)*80
			c.frame(slate, 1.5, x+1, y+1, 78, 78)
			if row+column == 4 {
				c.text(bold, 36, slate, centre, x+40, y+52, "?")
			} else {
				c.token(token{kind, ink, pt{x + 40, y + 40}, 25})
			}
		}
	}
	image := s.drawing(c)
	answer := inks[2].name + " " + kinds[2]
	switch i {
	case 0, 3:
		s.ask(stepByStep, image, "Which shape belongs in the empty field? Reason step by step.",
			fmt.Sprintf("Look at the rows: the first holds only %ss, the second only %ss, and the third so far only %ss. So the missing shape is a %s. Look at the columns: the first is %s, the second %s and the third %s. So its colour is %s. The missing shape is %s.",
				kinds[0], kinds[1], kinds[2], kinds[2], inks[0].name, inks[1].name, inks[2].name, inks[2].name, article(answer)))
	case 1:
		s.choose(image, "Which shape completes the matrix?", capital(answer), capital(inks[0].name+" "+kinds[2]), capital(inks[2].name+" "+kinds[0]), capital(inks[1].name+" "+kinds[1]))
	case 2:
		s.ask(coordinate, image, "Which area has to be filled? Give [x1, y1, x2, y2] relative to the image.", c.box(160, 160, 80, 80))
	case 4:
		s.ask(shortPhrase, image, "What is missing? Answer with colour and shape.", capital(answer))
	}
}

// examples states rules by example only, to be continued in context.
func (s *shelf) examples() {
	for i, p := range []struct {
		lines            []string
		question, answer string
		style            style
	}{
		{[]string{"cold -> hot", "wet -> dry", "tall -> short", "early -> ?"}, "Continue the last line in the manner of the others.", "late", shortPhrase},
		{[]string{"CAT = 24", "BEE = 12", "ACE = 9", "DAD = ?"}, "The examples share a rule. Apply it to the last line and explain.", "A letter counts as its place in the alphabet. CAT: 3 + 1 + 20 = 24. BEE: 2 + 5 + 5 = 12. ACE: 1 + 3 + 5 = 9. All three agree, so DAD is 4 + 1 + 4 = 9.", stepByStep},
		{[]string{"12 # 3 = 15", "7 # 7 = 14", "20 # 5 = 25", "9 # 6 = ?"}, "What does # stand for, and what is the result?", "In each line the result is the sum of both numbers: 12 + 3 = 15, 7 + 7 = 14 and 20 + 5 = 25. So # means plus, and 9 # 6 = 15.", stepByStep},
		{[]string{"in: 2024-03-09", "out: 9 March 2024", "in: 1999-11-30", "out: 30 November 1999", "in: 2010-07-01", "out: ?"}, "Write the missing output in the form the examples show.", "1 July 2010", specified},
	} {
		c := s.canvas(280, 36+30*len(p.lines), []paint{{"", paper}, {"", rgb(0xeaf1ec)}}[i%2].ink)
		for k, line := range p.lines {
			c.text(mono, 18, black, left, 22, 38+30*float64(k), line)
		}
		s.ask(p.style, s.drawing(c), p.question, strings.TrimSpace(p.answer))
	}
}
