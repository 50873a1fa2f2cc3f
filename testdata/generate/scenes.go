package main

import (
	"fmt"
	"strings"
)

// A thing is an object of a scene with its bounding box in pixels.
type thing struct {
	name, colour string
	x, y, w, h   float64
}

func (t thing) middle() float64 { return t.x + t.w/2 }

func (t thing) called() string { return strings.TrimSpace(t.colour + " " + t.name) }

// A scene is a picture of things in a row, from left to right.
type scene struct {
	*canvas
	place   string // as in `a street on a sunny day`
	ground  string // what is behind and below the things
	weather string // what is above them: the last sentence of a description
	things  []thing
}

// scenes draws streets and rooms.
func scenes(s *shelf) {
	for i := range 24 {
		var p scene
		if i%2 == 0 {
			p = s.street(4 + i/2%2)
		} else {
			p = s.room(3 + i/2%2)
		}
		s.askScene(i/2, p, s.photo(p.canvas))
	}
}

func (s *shelf) askScene(i int, p scene, image string) {
	first, second, last := p.things[0], p.things[1], p.things[len(p.things)-1]
	chosen := pick(s, p.things)
	switch i % 14 {
	case 0:
		s.ask(detailed, image, "Describe the scene in detail.", p.description())
	case 1, 8:
		s.ask(coordinate, image, fmt.Sprintf("Provide the bounding box of the %s as [x1, y1, x2, y2], normalised to 0-1.", chosen.called()), p.box(chosen.x, chosen.y, chosen.w, chosen.h))
	case 2:
		s.ask(yesNo, image, fmt.Sprintf("Is the %s to the left of the %s?", second.called(), first.called()), "No")
	case 3:
		s.ask(shortPhrase, image, fmt.Sprintf("What stands directly to the right of the %s?", first.called()), "A "+second.called())
	case 4:
		s.ask(shortText, image, "Write a short caption for the picture.", p.caption())
	case 5:
		s.choose(image, "Which of these is farthest to the right?", capital(last.name), capital(first.name), capital(second.name))
	case 6:
		s.add(coordinate, []string{image},
			exchange{fmt.Sprintf("Where is the %s? Give a box [x1, y1, x2, y2].", first.called()), p.box(first.x, first.y, first.w, first.h)},
			exchange{fmt.Sprintf("And the %s?", last.called()), p.box(last.x, last.y, last.w, last.h)},
			exchange{"Which of the two is larger in the picture?", "The " + larger(first, last)})
	case 7:
		s.ask(comparison, image, fmt.Sprintf("Compare the %s with the %s: position and size in the picture.", first.called(), last.called()),
			fmt.Sprintf("The %s stands at the left and the %s at the right end of the row. The %s is %.0f pixels high and %.0f wide, the %s %.0f by %.0f, so the %s is the one that covers more of the picture.",
				first.called(), last.called(), first.called(), first.h, first.w, last.called(), last.h, last.w, larger(first, last)))
	case 9:
		var rows []string
		for _, t := range p.things {
			rows = append(rows, fmt.Sprintf("{\"label\": %q, \"box\": %s}", t.called(), p.box(t.x, t.y, t.w, t.h)))
		}
		s.ask(coordinate, image, "Detect the main objects from left to right. Answer as a JSON list of label and box (relative x1, y1, x2, y2).", "["+strings.Join(rows, ",\n ")+"]")
	case 10:
		s.ask(stepByStep, image, fmt.Sprintf("If you walk from the %s to the %s, what do you pass on the way? Think step by step.", first.called(), last.called()),
			fmt.Sprintf("The %s is the leftmost object and the %s the rightmost, so the walk goes from left to right. Ordered by their horizontal position the objects are %s. Leaving out start and goal, I pass %s.",
				first.called(), last.called(), named(p.things), named(p.things[1:len(p.things)-1])))
	case 11:
		s.ask(shortPhrase, image, "How many main objects stand in the row? Answer with a number.", fmt.Sprint(len(p.things)))
	case 12:
		s.ask(detailed, image, "What is in this picture, and where? Be thorough.", p.description()+" "+p.layout())
	case 13:
		s.ask(specified, image, "Write a haiku (5-7-5 syllables) about this scene without naming any of the objects in it.", map[bool]string{
			true:  "Morning holds its breath,\nlight leans on the quiet road,\nno one passes by.",
			false: "Here the day grows soft,\na small warmth keeps company,\nwalls listen and wait.",
		}[strings.Contains(p.place, "street")])
	}
}

func larger(a, b thing) string {
	if a.w*a.h > b.w*b.h {
		return a.called()
	}
	return b.called()
}

func named(things []thing) string {
	var words []string
	for _, t := range things {
		words = append(words, "the "+t.called())
	}
	return listed(words)
}

func (p scene) caption() string {
	var words []string
	for _, t := range p.things {
		words = append(words, article(t.called()))
	}
	return capital(p.place) + " with " + listed(words) + "."
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func (p scene) description() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The picture shows %s with %d main objects in a row. At the left stands %s.", p.place, len(p.things), article(p.things[0].called()))
	for i, t := range p.things[1:] {
		if i == len(p.things)-2 {
			fmt.Fprintf(&b, " The row ends at the right with %s.", article(t.called()))
		} else {
			fmt.Fprintf(&b, " To the right of the %s is %s.", p.things[i].called(), article(t.called()))
		}
	}
	tallest := p.things[0]
	for _, t := range p.things {
		if t.h > tallest.h {
			tallest = t
		}
	}
	fmt.Fprintf(&b, " The tallest of them is the %s, which takes about %.0f percent of the picture's height. %s %s", tallest.called(), 100*tallest.h/p.height(), p.ground, p.weather)
	return b.String()
}

func (p scene) layout() string {
	var words []string
	for _, t := range p.things {
		words = append(words, fmt.Sprintf("the %s at %.0f percent", t.called(), 100*t.middle()/p.width()))
	}
	return "Measured from the left edge, the centres lie as follows: " + listed(words) + " of the width."
}

// street draws n things on a pavement under the sky.
func (s *shelf) street(n int) scene {
	w, h := 120*n+pick(s, []int{0, 20, 40}), 300
	p := scene{canvas: s.canvas(w, h, rgb(0xbfdff5)), place: "a street on a sunny day",
		ground:  "A grey road with a dashed white line runs along the bottom, and a light pavement separates it from the objects.",
		weather: "Above them the sky is light blue, with a yellow sun in the upper right corner and one white cloud."}
	c := p.canvas
	c.disc(rgb(0xfbd13d), pt{c.width() - 44, 40}, 24)
	at := pt{float64(s.between(60, w-200)), 44}
	for _, d := range []pt{{0, 0}, {24, -8}, {46, 2}} {
		c.ellipse(white, at.plus(d.x, d.y), 26, 14)
	}
	c.rect(rgb(0xd9d5cb), 0, 225, c.width(), 25)
	c.rect(rgb(0x6b7077), 0, 250, c.width(), 50)
	for x := 10.0; x < c.width(); x += 60 {
		c.rect(white, x, 273, 30, 4)
	}
	slot := c.width() / float64(n)
	for i, k := range s.rng.Perm(5)[:n] {
		ink := s.fresh(p.things)
		foot := pt{slot * (float64(i) + 0.5), 225}
		draw := []func(pt, paint) thing{c.house, c.tree, c.lamp, c.car, c.bench}[k]
		p.things = append(p.things, draw(foot, ink))
	}
	return p
}

// room draws n things on a floor before a wall.
func (s *shelf) room(n int) scene {
	walls := []paint{{"cream", rgb(0xf7eed7)}, {"pale green", rgb(0xdcebdc)}, {"pale blue", rgb(0xdce7f2)}}
	wall := pick(s, walls)
	w, h := pick(s, []int{400, 480}), 320
	p := scene{canvas: s.canvas(w, h, wall.ink), place: "a living room",
		ground:  fmt.Sprintf("Behind them is a %s wall, below a brown wooden floor with narrow boards.", wall.name),
		weather: "A square window in the middle of the wall shows the blue sky."}
	c := p.canvas
	c.rect(rgb(0xb98a5a), 0, 230, c.width(), 90)
	for x := 0.0; x < c.width(); x += 36 {
		c.line(rgb(0xa3764a), 1, pt{x, 230}, pt{x, 320})
	}
	c.rect(white, c.width()/2-34, 24, 68, 68)
	c.rect(rgb(0x9fd0f0), c.width()/2-29, 29, 58, 58)
	c.line(white, 4, pt{c.width() / 2, 26}, pt{c.width() / 2, 90})
	c.line(white, 4, pt{c.width()/2 - 32, 58}, pt{c.width()/2 + 32, 58})
	slot := c.width() / float64(n)
	for i, k := range s.rng.Perm(5)[:n] {
		ink := s.fresh(p.things)
		foot := pt{slot * (float64(i) + 0.5), 262}
		draw := []func(pt, paint) thing{c.chair, c.table, c.cat, c.plant, c.shelf}[k]
		p.things = append(p.things, draw(foot, ink))
	}
	return p
}

// fresh is a colour that no thing has yet.
func (s *shelf) fresh(things []thing) paint {
	for {
		ink := pick(s, paints())
		used := false
		for _, t := range things {
			used = used || t.colour == ink.name
		}
		if !used {
			return ink
		}
	}
}

func (c *canvas) house(foot pt, p paint) thing {
	c.rect(rgb(0xefe6d5), foot.x-44, foot.y-80, 88, 80)
	c.fill(p.ink, foot.plus(-52, -80), foot.plus(0, -130), foot.plus(52, -80))
	c.rect(rgb(0x6f4a2f), foot.x-10, foot.y-38, 20, 38)
	for _, dx := range []float64{-36, 16} {
		c.rect(rgb(0x8cc4e8), foot.x+dx, foot.y-68, 20, 20)
	}
	return thing{p.name + "-roofed house", "", foot.x - 52, foot.y - 130, 104, 130}
}

func (c *canvas) tree(foot pt, p paint) thing {
	c.rect(rgb(0x75512f), foot.x-7, foot.y-60, 14, 60)
	for _, d := range []pt{{-20, -80}, {20, -80}, {0, -108}} {
		c.disc(rgb(0x3d8b45), foot.plus(d.x, d.y), 30)
	}
	return thing{"tree", "green", foot.x - 50, foot.y - 138, 100, 138}
}

func (c *canvas) lamp(foot pt, p paint) thing {
	c.line(black, 5, foot.plus(0, -2), foot.plus(0, -140))
	c.disc(rgb(0xffeb9a), foot.plus(0, -148), 13)
	c.rect(black, foot.x-14, foot.y-164, 28, 6)
	return thing{"street lamp", "black", foot.x - 14, foot.y - 164, 28, 164}
}

func (c *canvas) car(foot pt, p paint) thing {
	c.rect(p.ink, foot.x-50, foot.y-32, 100, 22)
	c.fill(p.ink, foot.plus(-32, -32), foot.plus(-18, -54), foot.plus(20, -54), foot.plus(34, -32))
	c.fill(rgb(0xd6ecf7), foot.plus(-23, -34), foot.plus(-14, -49), foot.plus(16, -49), foot.plus(25, -34))
	for _, dx := range []float64{-28, 28} {
		c.disc(black, foot.plus(dx, -10), 11)
		c.disc(faint, foot.plus(dx, -10), 5)
	}
	return thing{"car", p.name, foot.x - 50, foot.y - 54, 100, 55}
}

func (c *canvas) bench(foot pt, p paint) thing {
	for _, dx := range []float64{-34, 34} {
		c.line(black, 4, foot.plus(dx, -2), foot.plus(dx, -44))
	}
	c.rect(p.ink, foot.x-42, foot.y-24, 84, 7)
	c.rect(p.ink, foot.x-42, foot.y-46, 84, 7)
	return thing{"bench", p.name, foot.x - 42, foot.y - 46, 84, 46}
}

func (c *canvas) chair(foot pt, p paint) thing {
	for _, dx := range []float64{-20, 20} {
		c.line(p.ink, 5, foot.plus(dx, -3), foot.plus(dx, -40))
	}
	c.rect(p.ink, foot.x-25, foot.y-46, 50, 9)
	c.rect(p.ink, foot.x-25, foot.y-96, 8, 55)
	return thing{"chair", p.name, foot.x - 25, foot.y - 96, 50, 96}
}

func (c *canvas) table(foot pt, p paint) thing {
	for _, dx := range []float64{-36, 36} {
		c.line(p.ink, 6, foot.plus(dx, -3), foot.plus(dx, -56))
	}
	c.rect(p.ink, foot.x-48, foot.y-64, 96, 10)
	return thing{"table", p.name, foot.x - 48, foot.y - 64, 96, 64}
}

func (c *canvas) cat(foot pt, p paint) thing {
	c.ellipse(p.ink, foot.plus(0, -22), 24, 22)
	c.disc(p.ink, foot.plus(0, -52), 16)
	for _, side := range []float64{-1, 1} {
		c.fill(p.ink, foot.plus(side*15, -54), foot.plus(side*13, -76), foot.plus(side*2, -66))
		c.disc(white, foot.plus(side*6, -55), 3.5)
		c.disc(black, foot.plus(side*6, -55), 1.8)
	}
	c.line(p.ink, 6, foot.plus(18, -8), foot.plus(34, -14), foot.plus(38, -30))
	return thing{"cat", p.name, foot.x - 24, foot.y - 76, 65, 76}
}

func (c *canvas) plant(foot pt, p paint) thing {
	for _, angle := range []float64{-150, -120, -90, -60, -30} {
		tip := foot.plus(0, -34).polar(48, angle)
		c.line(rgb(0x3d8b45), 7, foot.plus(0, -30), tip)
	}
	c.fill(p.ink, foot.plus(-22, -36), foot.plus(22, -36), foot.plus(15, 0), foot.plus(-15, 0))
	return thing{"plant in " + article(p.name+" pot"), "", foot.x - 45, foot.y - 86, 90, 86}
}

func (c *canvas) shelf(foot pt, p paint) thing {
	c.rect(p.ink, foot.x-36, foot.y-120, 72, 120)
	inks := paints()
	for row := range 3 {
		y := foot.y - 112 + 38*float64(row)
		c.rect(rgb(0x2c241d), foot.x-30, y, 60, 30)
		for k := range 6 {
			c.rect(inks[(row*3+k)%len(inks)].ink, foot.x-29+float64(k)*10, y+float64(4+(row+k)%3*3), 8, 30-float64(4+(row+k)%3*3))
		}
	}
	return thing{"bookshelf", p.name, foot.x - 36, foot.y - 120, 72, 120}
}
