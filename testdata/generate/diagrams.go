package main

import (
	"fmt"
	"strings"
)

// diagrams draws mechanisms and flows and asks what happens, and why.
func diagrams(s *shelf) {
	for i := range 5 {
		s.gears(i)
		s.dominoes(i)
		s.seesaw(i)
	}
	s.flows()
}

func (s *shelf) gears(i int) {
	n := 2 + i
	c := s.canvas(60+n*72, 150, paper)
	names := "ABCDEF"
	for k := range n {
		at := pt{66 + 72*float64(k), 80}
		c.fill(paints()[(i+k)%8].ink, polygon(at, 40, 16, 0.82)...)
		c.disc(white, at, 16)
		c.text(bold, 16, black, centre, at.x, at.y+6, names[k:k+1])
	}
	turn := arc(pt{66, 80}, 50, 50, 200, 330)
	c.line(black, 2, turn...)
	c.arrow(black, 2, turn[len(turn)-2], turn[len(turn)-1].polar(6, 65))
	image := s.drawing(c)
	last, way := names[n-1:n], "clockwise"
	if n%2 == 0 {
		way = "counter-clockwise"
	}
	var chain []string
	for k := range n {
		chain = append(chain, fmt.Sprintf("%s turns %s", names[k:k+1], []string{"clockwise", "counter-clockwise"}[k%2]))
	}
	switch i {
	case 0:
		s.ask(shortPhrase, image, "Gear A is turned clockwise, as the arrow shows. In which direction does gear B turn?", "Counter-clockwise")
	case 1, 3:
		s.ask(stepByStep, image, fmt.Sprintf("Gear A turns clockwise. Which way does gear %s turn, and why?", last),
			fmt.Sprintf("Where two gears mesh, their teeth move together, so neighbours turn in opposite directions. From left to right: %s. Gear %s therefore turns %s.", listed(chain), last, way))
	case 2:
		s.ask(yesNo, image, "If gear A turns clockwise, does gear C turn counter-clockwise?", "No")
	case 4:
		s.choose(image, "All gears have the same number of teeth, and gear A turns 30 times a minute. How fast does gear F turn?", "30 times a minute", "5 times a minute", "60 times a minute", "180 times a minute")
	}
}

func (s *shelf) dominoes(i int) {
	n, gap := 8, 2+i
	c := s.canvas(400, 150, rgb(0xf2f5f9))
	c.rect(rgb(0xb98a5a), 0, 118, 400, 32)
	x := 70.0
	c.arrow(rgb(0xd23b30), 4, pt{14, 66}, pt{56, 66})
	for k := range n {
		if k == gap {
			x += 66
		}
		c.rect(paints()[i].ink, x, 58, 10, 60)
		c.text(regular, 13, white, centre, x+5, 136, fmt.Sprint(k+1))
		x += 28
	}
	image := s.drawing(c)
	answer := fmt.Sprintf("Domino 1 is pushed to the right and hits domino 2. Each standing domino is hit by the one before it, so the fall passes on as far as domino %d. A domino is 60 pixels high and reaches no farther than that when it lies down, but the gap behind domino %d is wider than its height: it falls short of domino %d. So dominoes 1 to %d fall, and dominoes %d to %d stay up.", gap, gap, gap+1, gap, gap+1, n)
	switch i {
	case 0, 3:
		s.ask(stepByStep, image, "What happens when the first domino is pushed in the direction of the arrow? Explain the chain of events.", answer)
	case 1:
		s.ask(shortPhrase, image, "The first domino is pushed to the right. How many dominoes fall?", fmt.Sprint(gap))
	case 2:
		s.ask(yesNo, image, "Domino 1 is pushed to the right. Will the last domino fall?", "No")
	case 4:
		s.add(stepByStep, []string{image},
			exchange{"Which dominoes stay up if domino 1 is pushed to the right, and what is the reason?", answer},
			exchange{"What could one change so that all of them fall?", fmt.Sprintf("Put one more domino into the gap between dominoes %d and %d, or move dominoes %d to %d closer, so that every distance is smaller than the height of a domino.", gap, gap+1, gap+1, n)})
	}
}

func (s *shelf) seesaw(i int) {
	arms := [][4]int{{4, 3, 2, 5}, {6, 2, 3, 4}, {2, 5, 3, 4}, {5, 4, 6, 3}, {3, 3, 2, 4}}[i] // kg, m, kg, m
	c := s.canvas(420, 180, white)
	c.fill(slate, pt{210, 110}, pt{190, 160}, pt{230, 160})
	c.line(rgb(0x7d5233), 6, pt{30, 108}, pt{390, 108})
	for m := -5; m <= 5; m++ {
		c.line(black, 1, pt{210 + 34*float64(m), 104}, pt{210 + 34*float64(m), 112})
		if m != 0 {
			c.text(regular, 11, slate, centre, 210+34*float64(m), 128, fmt.Sprintf("%d m", max(m, -m)))
		}
	}
	for side, x := range []float64{210 - 34*float64(arms[1]), 210 + 34*float64(arms[3])} {
		c.rect(paints()[side].ink, x-20, 64, 40, 40)
		c.text(bold, 13, white, centre, x, 89, fmt.Sprintf("%d kg", arms[2*side]))
	}
	image := s.drawing(c)
	near, far := arms[0]*arms[1], arms[2]*arms[3]
	result := "The board stays in balance"
	if near != far {
		result = "The " + map[bool]string{true: "left", false: "right"}[near > far] + " side goes down"
	}
	switch i {
	case 0, 2:
		s.ask(stepByStep, image, "What does the board do when it is released? Work it out.",
			fmt.Sprintf("The turning effect of a weight is its mass times its distance from the pivot (gravity is the same on both sides).\nLeft: %d kg x %d m = %d kg m.\nRight: %d kg x %d m = %d kg m.\n%s, because %d %s %d.",
				arms[0], arms[1], near, arms[2], arms[3], far, result, near, map[bool]string{true: "equals", false: "differs from"}[near == far], far))
	case 1:
		s.ask(yesNo, image, "Is the board in balance?", "Yes")
	case 3:
		s.choose(image, "What happens when the board is released?", "The left side goes down", "The right side goes down", "It stays in balance")
	case 4:
		s.ask(comparison, image, "Compare the two weights and their effects on the board.",
			fmt.Sprintf("The red weight on the left is heavier, %d kg against the blue one's %d kg, but it lies closer to the pivot: %d m against %d m. Mass times distance is %d kg m on the left and %d kg m on the right, so the left side still goes down, though only just.", arms[0], arms[2], arms[1], arms[3], near, far))
	}
}

// flows draws chains of boxes: food chains, cycles and procedures.
func (s *shelf) flows() {
	for _, f := range []struct {
		steps            []string
		style            style
		question, answer string
	}{
		{[]string{"Sun", "Grass", "Grasshopper", "Frog", "Stork"}, stepByStep, "What would happen to the grass and the storks if all frogs disappeared?",
			"1. The arrows run from what is eaten to what eats it: frogs eat grasshoppers, storks eat frogs.\n2. Without frogs nothing in the diagram eats grasshoppers, so their number grows.\n3. More grasshoppers eat more grass, so there is less grass.\n4. The storks lose the only food that the diagram gives them, so they become fewer or move away."},
		{[]string{"Seed", "Seedling", "Plant", "Flower", "Fruit"}, shortPhrase, "Which stage follows the flower?", "Fruit"},
		{[]string{"Kettle on", "Water boils", "Steam rises", "Whistle sounds"}, yesNo, "According to the diagram, does the whistle sound before the water boils?", "No"},
		{[]string{"Read input", "Check form", "Store record", "Send receipt"}, specified, "Write the steps as a Mermaid flowchart (graph LR).", "graph LR\n  A[Read input] --> B[Check form]\n  B --> C[Store record]\n  C --> D[Send receipt]"},
		{[]string{"Battery", "Switch", "Lamp"}, stepByStep, "The three parts are joined in one circuit and the switch is opened. What happens to the lamp, and why?",
			"A current flows only round a closed circuit. The switch lies in the same single path as the lamp, so opening it interrupts that path. No current passes the lamp any more, and it goes out. The battery keeps its voltage but delivers nothing."},
		{[]string{"Evaporation", "Clouds", "Rain", "River", "Sea"}, detailed, "Explain the process that this diagram shows.",
			"The diagram shows the way of water in five steps, joined by arrows from left to right. It starts with evaporation: warmed by the sun, water turns into vapour and rises. High up the air is colder, the vapour condenses into droplets and clouds form. When the droplets grow too heavy to float they fall as rain. The rain gathers on the ground and runs off in rivers, and the rivers lead it into the sea. The drawing ends there, but the process does not: water evaporates from the sea again, so the last box feeds the first and the chain is really a circle, the water cycle."},
	} {
		c := s.canvas(4+len(f.steps)*124, 96, paper)
		for k, step := range f.steps {
			x := 12 + 124*float64(k)
			c.rect(rgb(0xdfe9f5), x, 28, 104, 40)
			c.frame(rgb(0x2458a6), 1.5, x, 28, 104, 40)
			c.text(regular, 13, black, centre, x+52, 53, step)
			if k > 0 {
				c.arrow(black, 2, pt{x - 20, 48}, pt{x - 2, 48})
			}
		}
		s.ask(f.style, s.drawing(c), f.question, strings.TrimSpace(f.answer))
	}
}
