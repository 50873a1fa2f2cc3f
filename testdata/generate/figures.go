package main

import "fmt"

// A pose is a stick figure: the angles of its limbs in degrees clockwise from three o'clock, upper
// part and lower part, for the arm and the leg at the back and at the front.
type pose struct {
	lean  float64 // of the trunk, from the hip to the neck
	arms  [2][2]float64
	legs  [2][2]float64
	lift  float64 // of the lower foot above the ground, in pixels
	props func(c *canvas, hands, feet [2]pt, head pt)
}

// hip is where the hip stands above a point of the ground.
func (p pose) hip(ground pt) pt {
	deepest := 0.0
	for _, leg := range p.legs {
		deepest = max(deepest, pt{}.polar(36, leg[0]).y+pt{}.polar(36, leg[1]).y)
	}
	return ground.plus(0, -deepest-p.lift)
}

// figure draws a pose.
func (c *canvas) figure(hip pt, p pose) {
	neck := hip.polar(56, p.lean)
	head := neck.polar(20, p.lean)
	var hands, feet [2]pt
	for k := range 2 {
		knee, elbow := hip.polar(36, p.legs[k][0]), neck.plus(0, 6).polar(28, p.arms[k][0])
		feet[k], hands[k] = knee.polar(36, p.legs[k][1]), elbow.polar(28, p.arms[k][1])
		c.line(black, 5, hip, knee, feet[k])
		c.line(black, 5, neck.plus(0, 6), elbow, hands[k])
	}
	c.line(black, 6, hip, neck)
	c.disc(black, head, 16)
	c.disc(rgb(0xf3d3b0), head, 13)
	if p.props != nil {
		p.props(c, hands, feet, head)
	}
}

// figures draws people at work and at play.
func figures(s *shelf) {
	standing := [2][2]float64{{100, 95}, {80, 85}}
	ball := func(ink uint32, at pt) func(*canvas) { return func(c *canvas) { c.disc(rgb(ink), at, 10) } }
	for _, f := range []struct {
		pose             pose
		style            style
		question, answer string
	}{
		{pose{-75, [2][2]float64{{130, 220}, {40, -40}}, [2][2]float64{{120, 190}, {30, 100}}, 8, nil}, shortPhrase, "What is the person doing?", "Running"},
		{pose{-90, [2][2]float64{{120, -60}, {60, -120}}, standing, 0, func(c *canvas, hands, feet [2]pt, head pt) {
			for k, at := range []pt{head.plus(-36, -20), head.plus(0, -46), head.plus(36, -20)} {
				ball([]uint32{0xd23b30, 0x2f63c9, 0xf2c521}[k], at)(c)
			}
		}}, detailed, "Describe in detail what happens in the picture.",
			"A stick figure stands upright with slightly spread legs and juggles. Both upper arms hang down and the forearms are bent inwards and up, with the hands in front of the chest, ready to catch and throw. Three balls are in the air at the same moment: a red one at the left of the head, a blue one straight above it and a yellow one at its right. They form an arch, the path that balls take in the basic three-ball cascade. As no hand holds a ball, the picture shows the instant between a throw and the next catch. Nothing else is to be seen but the green ground and the plain background, so the attention rests on the balls."},
		{pose{-90, [2][2]float64{{40, -20}, {40, -20}}, [2][2]float64{{0, 90}, {5, 90}}, 0, func(c *canvas, hands, feet [2]pt, head pt) {
			c.fill(rgb(0x2f63c9), hands[0].plus(-4, 6), hands[0].plus(12, 0), hands[0].plus(16, -24), hands[0].plus(0, -18))
			c.rect(rgb(0x7d5233), feet[0].x-54, feet[0].y-34, 40, 8)
			c.rect(rgb(0x7d5233), feet[0].x-54, feet[0].y-34, 7, 34)
			c.rect(rgb(0x7d5233), feet[0].x-22, feet[0].y-34, 7, 34)
		}}, shortText, "Write a caption for the image.", "A person sits on a stool and reads a blue book."},
		{pose{-90, [2][2]float64{{-125, -125}, {-55, -55}}, standing, 0, func(c *canvas, hands, feet [2]pt, head pt) {
			y := (hands[0].y + hands[1].y) / 2
			c.line(slate, 5, pt{hands[0].x - 34, y}, pt{hands[1].x + 34, y})
			for _, x := range []float64{hands[0].x - 34, hands[1].x + 34} {
				c.rect(rgb(0xb23a48), x-6, y-22, 12, 44)
			}
		}}, stepByStep, "Which sport is this? Name the clues one by one.",
			"1. Both arms are stretched up over the head.\n2. The hands hold a long grey bar.\n3. At each end of the bar there is a large red plate, so it is a loaded barbell.\n4. The legs are straight and slightly apart, which carries a load stably.\nHolding a barbell overhead with straight arms is the final position of a lift, so the sport is weightlifting."},
		{pose{-100, [2][2]float64{{150, 120}, {20, -20}}, [2][2]float64{{95, 95}, {20, 10}}, 0, func(c *canvas, hands, feet [2]pt, head pt) {
			ball(0xf0872a, feet[1].plus(26, -4))(c)
		}}, multiChoice, "What does the person do?\nA. Kicks a ball\nB. Throws a ball\nC. Climbs a ladder\nD. Sleeps\nAnswer with the option's letter from the given choices directly.", "A"},
		{pose{-90, [2][2]float64{{95, 90}, {-60, -80}}, standing, 0, nil}, yesNo, "Is one arm of the person raised?", "Yes"},
		{pose{-85, [2][2]float64{{60, 20}, {20, -10}}, standing, 0, func(c *canvas, hands, feet [2]pt, head pt) {
			tip := hands[1].plus(62, -46)
			c.line(rgb(0x7d5233), 3, hands[1], tip)
			c.line(slate, 1.5, tip, pt{tip.x, feet[0].y + 4})
			c.rect(rgb(0x5aa7dd), tip.x-28, feet[0].y-8, 80, 40)
		}}, stepByStep, "What is the person waiting for, and how would they notice that it has happened?",
			"The person holds a rod whose line hangs into the water, so they are fishing and wait for a fish to bite. When a fish takes the bait it pulls at the line; the pull tightens the line and bends the tip of the rod down, which is seen and felt in the hands. Then the rod is lifted to draw the line up."},
		{pose{-90, [2][2]float64{{-150, -120}, {-30, -60}}, [2][2]float64{{130, 60}, {50, 120}}, 30, func(c *canvas, hands, feet [2]pt, head pt) {
			c.ellipse(rgb(0x6d8f5c), pt{head.x, 236}, 34, 5)
		}}, comparison, "Compare the position of this person with that of someone who stands still.",
			"Someone who stands still has straight legs, feet on the ground and arms hanging down. Here the knees are bent outwards, both feet are above the ground, and the arms are thrown up, and the dark spot below is the person's shadow, apart from the body. So while a standing person rests on the feet, this one is in the air at the height of a jump."},
		{pose{-90, [2][2]float64{{30, -30}, {10, -40}}, standing, 0, func(c *canvas, hands, feet [2]pt, head pt) {
			at := hands[1].plus(22, -46)
			c.rect(rgb(0x7d5233), at.x-8, at.y-16, 90, 76)
			c.rect(white, at.x-2, at.y-10, 78, 64)
			c.disc(rgb(0xf2c521), at.plus(54, 8), 10)
			c.fill(rgb(0x2f9a4a), at.plus(0, 52), at.plus(28, 14), at.plus(56, 52))
			c.line(black, 3, hands[1], hands[1].plus(20, -14))
		}}, shortPhrase, "Which activity is shown, and what is the subject of the picture in the frame?", "Painting; a green mountain under a yellow sun"},
		{pose{-60, [2][2]float64{{60, 30}, {50, 20}}, [2][2]float64{{60, 130}, {20, 80}}, 16, func(c *canvas, hands, feet [2]pt, head pt) {
			back, front := feet[0].plus(-22, -6), feet[1].plus(46, -6)
			back.y, front.y = 212, 212
			for _, hub := range []pt{back, front} {
				c.ring(slate, 4, hub, 26)
			}
			c.line(rgb(0xd23b30), 4, back, feet[0], front, hands[1], back)
		}}, yesNo, "Is the person riding a bicycle?", "Yes"},
		{pose{-45, [2][2]float64{{80, 90}, {60, 80}}, [2][2]float64{{110, 90}, {75, 95}}, 0, func(c *canvas, hands, feet [2]pt, head pt) {
			root := pt{hands[1].x + 16, feet[1].y}
			c.fill(rgb(0x3d8b45), root, root.plus(-14, -34), root.plus(0, -18), root.plus(14, -38))
			c.line(rgb(0x2f63c9), 5, hands[0], hands[0].plus(-8, 26))
		}}, shortText, "Describe the activity in one sentence.", "A person bends down to a small green plant and holds a blue tool, as one does in gardening."},
		{pose{-90, [2][2]float64{{180, 180}, {0, 0}}, [2][2]float64{{92, 90}, {40, 160}}, 0, nil}, stepByStep, "Why does the person hold both arms out sideways? Explain the cause.",
			"The person stands on one leg; the other one is bent and lifted. On a single foot the area of support is small, so the body tips as soon as its centre of mass moves beyond that foot. Arms stretched out sideways put mass far from the axis, which makes the body tip more slowly, and small movements of the arms push the centre of mass back over the foot. So the arms are held out for balance."},
	} {
		s.askFigure(f.pose, f.style, f.question, f.answer)
	}
	for i := range 3 {
		n := 2 + i
		c := s.canvas(110*n+40, 250, rgb(0xeef3f7))
		c.rect(rgb(0x9cc184), 0, 225, c.width(), 25)
		raised := s.rng.IntN(n)
		for k := range n {
			p := pose{-90, [2][2]float64{{110, 100}, {70, 80}}, standing, 0, nil}
			if k == raised {
				p.arms[1] = [2]float64{-60, -80}
			}
			c.figure(p.hip(pt{75 + 110*float64(k), 225}), p)
		}
		question, answer := "Which person waves? Count from the left.", ordinal(raised+1)
		if i == 1 {
			question, answer = "How many people do not raise an arm?", fmt.Sprint(n-1)
		}
		s.ask(shortPhrase, s.photo(c), question, answer)
	}
}

func (s *shelf) askFigure(p pose, how style, question, answer string) {
	c := s.canvas(300, 260, pick(s, []paint{{"", rgb(0xeef3f7)}, {"", rgb(0xf8f1e4)}}).ink)
	c.rect(rgb(0x9cc184), 0, 228, 300, 32)
	c.figure(p.hip(pt{130, 228}), p)
	s.ask(how, s.photo(c), question, answer)
}
