package main

import (
	"fmt"
	"math"
)

// geometry draws figures with their measures.
func geometry(s *shelf) {
	for i := range 4 {
		s.rightTriangle(i)
		s.rectangle(i)
		s.angles(i)
		s.points(i)
	}
}

func (s *shelf) rightTriangle(i int) {
	t := [][3]int{{3, 4, 5}, {6, 8, 10}, {5, 12, 13}, {8, 15, 17}}[i]
	scale := 220 / float64(t[1])
	c := s.canvas(320, int(90+scale*float64(t[0])), white)
	corner := pt{50, c.height() - 45}
	top, side := corner.plus(0, -scale*float64(t[0])), corner.plus(220, 0)
	c.fill(rgb(0xe3ecf8), corner, top, side)
	c.line(black, 2.5, corner, top, side, corner)
	c.frame(black, 1.5, corner.x, corner.y-14, 14, 14)
	c.text(bold, 17, black, right, corner.x-8, (corner.y+top.y)/2+6, fmt.Sprint(t[0]))
	c.text(bold, 17, black, centre, corner.x+110, corner.y+24, fmt.Sprint(t[1]))
	c.text(bold, 17, black, left, corner.x+120, (corner.y+top.y)/2-8, "c")
	image := s.drawing(c)
	proof := fmt.Sprintf("The triangle has a right angle between the sides %d and %d, so Pythagoras' theorem holds: c² = %d² + %d² = %d + %d = %d. The square root of %d is %d, hence c = %d.",
		t[0], t[1], t[0], t[1], t[0]*t[0], t[1]*t[1], t[2]*t[2], t[2]*t[2], t[2], t[2])
	switch i {
	case 0, 2:
		s.ask(stepByStep, image, "Find the length of side c. Show your reasoning.", proof)
	case 1:
		s.choose(image, "How long is side c?", "10", "14", "7", "12")
	case 3:
		s.ask(specified, image, "State the relation of the three sides as one LaTeX equation with the given numbers, in $$ … $$.", "$$c = \\sqrt{8^2 + 15^2} = 17$$")
	}
}

func (s *shelf) rectangle(i int) {
	w, h := s.between(7, 12), s.between(3, 6)
	c := s.canvas(w*20+80, h*20+80, paper)
	c.rect(rgb(0xf6d9a8), 50, 25, float64(w*20), float64(h*20))
	c.frame(black, 2, 50, 25, float64(w*20), float64(h*20))
	c.text(bold, 16, black, centre, 50+float64(w*10), float64(h*20)+48, fmt.Sprintf("%d cm", w))
	c.text(bold, 16, black, right, 45, 31+float64(h*10), fmt.Sprintf("%d cm", h))
	image := s.drawing(c)
	switch i {
	case 0:
		s.ask(shortPhrase, image, "What is the area of the rectangle?", fmt.Sprintf("%d cm²", w*h))
	case 1:
		s.ask(stepByStep, image, "A wire is bent to this rectangle. How long would each side of a square made from the same wire be? Explain.",
			fmt.Sprintf("The wire is as long as the perimeter: 2 x (%d cm + %d cm) = %d cm. A square has four equal sides, so each is %d cm / 4 = %g cm long.", w, h, 2*(w+h), 2*(w+h), float64(w+h)/2))
	case 2:
		s.ask(yesNo, image, "Is the drawn figure a square?", "No")
	case 3:
		s.ask(comparison, image, fmt.Sprintf("Compare this rectangle with a square of side %d cm.", h),
			fmt.Sprintf("Both have four right angles and a height of %d cm, but the rectangle is %d cm wider. Its area is %d cm² against %d cm² of the square, and its perimeter %d cm against %d cm.", h, w-h, w*h, h*h, 2*(w+h), 4*h))
	}
}

func (s *shelf) angles(i int) {
	a, b := 10*s.between(4, 7), 10*s.between(3, 6)+5
	// The base is fixed; the law of sines gives the left side.
	base := 240.0
	side := base * math.Sin(float64(b)*math.Pi/180) / math.Sin(float64(180-a-b)*math.Pi/180)
	foot := pt{30, 0}
	apex := foot.polar(side, -float64(a))
	foot.y, apex.y = -apex.y+40, 40
	c := s.canvas(300, int(foot.y)+30, white)
	end := foot.plus(base, 0)
	c.sector(rgb(0xf3cf87), foot, 34, -float64(a), 0)
	c.sector(rgb(0x9fd3b2), end, 34, 180, 180+float64(b))
	c.line(black, 2.5, foot, end, apex, foot)
	c.text(bold, 14, black, left, foot.x+38, foot.y-8, fmt.Sprintf("%d°", a))
	c.text(bold, 14, black, right, end.x-38, end.y-8, fmt.Sprintf("%d°", b))
	c.text(bold, 16, black, centre, apex.x, apex.y+36, "x")
	image := s.drawing(c)
	x := 180 - a - b
	switch i {
	case 0, 2:
		s.ask(stepByStep, image, "Determine the angle x.", fmt.Sprintf("The angles of a triangle add up to 180°. Two of them are given: %d° and %d°, together %d°. So x = 180° - %d° = %d°.", a, b, a+b, a+b, x))
	case 1:
		s.ask(shortPhrase, image, "How large is the angle marked x?", fmt.Sprintf("%d°", x))
	case 3:
		s.ask(shortText, image, "Describe the figure.", fmt.Sprintf("A triangle on a horizontal base with the angles %d° at the left, %d° at the right and an unknown angle x at the top.", a, b))
	}
}

func (s *shelf) points(i int) {
	c := s.canvas(260, 260, white)
	at := func(x, y int) pt { return pt{130 + 24*float64(x), 130 - 24*float64(y)} }
	for k := -5; k <= 5; k++ {
		c.line(rgb(0xdde1e6), 1, at(k, -5), at(k, 5))
		c.line(rgb(0xdde1e6), 1, at(-5, k), at(5, k))
		if k != 0 {
			c.text(regular, 10, slate, centre, at(k, 0).x, 143, fmt.Sprint(k))
			c.text(regular, 10, slate, right, 125, at(0, k).y+4, fmt.Sprint(k))
		}
	}
	c.arrow(black, 1.5, at(-5, 0), at(5, 0).plus(8, 0))
	c.arrow(black, 1.5, at(0, -5), at(0, 5).plus(0, -8))
	x, y, dx := -4+i, 1+i%2, 3+i%2
	p, q := at(x, y), at(x+dx, y-4)
	c.line(rgb(0x2458a6), 1.5, p, q)
	for k, point := range []pt{p, q} {
		c.disc(rgb(0xb23a48), point, 5)
		c.text(bold, 15, black, left, point.x+7, point.y-6, []string{"P", "Q"}[k])
	}
	image := s.drawing(c)
	switch i {
	case 0:
		s.ask(shortPhrase, image, "What are the coordinates of P?", fmt.Sprintf("(%d, %d)", x, y))
	case 1:
		s.ask(coordinate, image, "Give the pixel position of point Q relative to the image size as [x, y].", fmt.Sprintf("[%.2f, %.2f]", q.x/260, q.y/260))
	case 2:
		s.ask(stepByStep, image, "How long is the segment PQ? Show your steps.",
			fmt.Sprintf("I read P = (%d, %d) and Q = (%d, %d). The horizontal distance is %d and the vertical one 4. By Pythagoras the length is the square root of %d² + 4² = %d, that is %g.", x, y, x+dx, y-4, dx, dx, dx*dx+16, math.Sqrt(float64(dx*dx+16))))
	case 3:
		s.choose(image, "Through how many quadrants does the segment PQ pass?", "3", "1", "2", "4")
	}
}
