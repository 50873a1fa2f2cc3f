package main

import (
	"fmt"
	"strings"
)

// world draws flags and timelines.
func world(s *shelf) {
	s.flags()
	s.timelines()
}

// A flag is three equal stripes; standing ones from the hoist, lying ones from the top.
type flag struct {
	country, capital string
	standing         bool
	stripes          [3]paint
}

func (s *shelf) flags() {
	red, blue, green, gold := paint{"red", rgb(0xcf2031)}, paint{"blue", rgb(0x21468b)}, paint{"green", rgb(0x12924c)}, paint{"yellow", rgb(0xfcd116)}
	plain, dark := paint{"white", white}, paint{"black", black}
	flags := []flag{
		{"France", "Paris", true, [3]paint{blue, plain, red}},
		{"Italy", "Rome", true, [3]paint{green, plain, red}},
		{"Belgium", "Brussels", true, [3]paint{dark, gold, red}},
		{"Ireland", "Dublin", true, [3]paint{green, plain, {"orange", rgb(0xff8a3c)}}},
		{"Nigeria", "Abuja", true, [3]paint{green, plain, green}},
		{"Germany", "Berlin", false, [3]paint{dark, red, gold}},
		{"Hungary", "Budapest", false, [3]paint{red, plain, green}},
		{"Estonia", "Tallinn", false, [3]paint{{"blue", rgb(0x1f72c4)}, dark, plain}},
	}
	for i, f := range flags {
		w, h := 192.0, 128.0
		c := s.canvas(208, 144, rgb(0xe4e7ec))
		var words []string
		for k, stripe := range f.stripes {
			words = append(words, stripe.name)
			if f.standing {
				c.rect(stripe.ink, 8+w/3*float64(k), 8, w/3, h)
			} else {
				c.rect(stripe.ink, 8, 8+h/3*float64(k), w, h/3)
			}
		}
		way := map[bool]string{true: "vertical stripes, from the hoist", false: "horizontal stripes, from the top"}[f.standing]
		image := s.drawing(c)
		switch i {
		case 0:
			s.ask(stepByStep, image, "Which country's flag is this, and what do its colours go back to? Explain how you recognise it.",
				"The flag has three vertical stripes of equal width. From the left they are blue, white and red, which is the French Tricolore; the Dutch flag has red, white and blue too, but lying. The colours go back to the Revolution of 1789: blue and red are the colours of Paris, and white stood for the king. So this is the flag of France.")
		case 1:
			s.ask(shortPhrase, image, "Which country does this flag belong to?", f.country)
		case 2:
			s.choose(image, "What is the capital of the country with this flag?", f.capital, "Berlin", "Luxembourg", "Amsterdam")
		case 3:
			s.ask(yesNo, image, "Is this the flag of Ivory Coast? Mind the order of the stripes.", "No")
		case 4:
			s.ask(shortText, image, "Describe the flag in one sentence.", fmt.Sprintf("The flag of %s has three %s %s.", f.country, way, listed(words)))
		case 5:
			s.add(shortPhrase, []string{image}, exchange{"Name the country and its capital.", f.country + ", " + f.capital},
				exchange{"On which river does that city lie?", "The Spree"})
		case 6:
			s.ask(comparison, image, "Compare this flag with the Italian one.", "Both flags use red, white and green in three equal stripes with white in the middle. The Hungarian flag shown here lies: red on top, white, then green. The Italian flag stands: green at the hoist, then white and red. Turning the Hungarian flag by a quarter clockwise does give the Italian colours, so the direction of the stripes is what tells them apart.")
		case 7:
			s.ask(specified, image, "Write SVG code for this flag, 300 by 200 units, nothing else.",
				`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200"><rect width="300" height="200" fill="#ffffff"/><rect width="300" height="66.7" fill="#1f72c4"/><rect y="66.7" width="300" height="66.7" fill="#1d1f24"/></svg>`)
		}
	}
}

func (s *shelf) timelines() {
	type event struct {
		year int
		name string
	}
	lines := []struct {
		title  string
		events []event
	}{
		{"Roads into space", []event{{1957, "Sputnik 1"}, {1961, "Gagarin in orbit"}, {1969, "Moon landing"}, {1990, "Hubble telescope"}}},
		{"Books and letters", []event{{1455, "Gutenberg Bible"}, {1605, "Don Quixote"}, {1719, "Robinson Crusoe"}, {1813, "Pride and Prejudice"}}},
		{"Talking over distance", []event{{1837, "Telegraph"}, {1876, "Telephone"}, {1901, "Radio over the Atlantic"}, {1989, "World Wide Web"}}},
		{"Music", []event{{1685, "Bach born"}, {1756, "Mozart born"}, {1770, "Beethoven born"}, {1810, "Chopin born"}}},
		{"Ways of seeing", []event{{1608, "Telescope"}, {1839, "Daguerreotype"}, {1895, "X-rays"}, {1931, "Electron microscope"}}},
		{"Rights", []event{{1215, "Magna Carta"}, {1789, "Rights of Man"}, {1893, "Women vote in New Zealand"}, {1948, "Universal Declaration"}}},
	}
	for i, line := range lines {
		c := s.canvas(600, 150, paper)
		c.text(bold, 17, black, left, 20, 28, line.title)
		c.line(slate, 3, pt{20, 84}, pt{580, 84})
		var rows []string
		for k, e := range line.events {
			x := 84 + 144*float64(k)
			c.disc(rgb(0xb23a48), pt{x, 84}, 7)
			c.text(bold, 14, black, centre, x, 68, fmt.Sprint(e.year))
			for n, words := range s.faces.wrap(regular, 13, 130, e.name) {
				c.text(regular, 13, black, centre, x, 110+16*float64(n), words)
			}
			rows = append(rows, fmt.Sprintf("- **%d**: %s", e.year, e.name))
		}
		image := s.drawing(c)
		e := line.events
		switch i {
		case 0:
			s.ask(stepByStep, image, "How many years lie between the first satellite and the first people on the Moon? Explain.",
				fmt.Sprintf("The first satellite was Sputnik 1, which the timeline puts in %d. The Moon landing is marked at %d. The difference is %d - %d = %d, so %d years lie between them.", e[0].year, e[2].year, e[2].year, e[0].year, e[2].year-e[0].year, e[2].year-e[0].year))
		case 1:
			s.choose(image, "Which of the works in the timeline was written by Jane Austen?", e[3].name, e[0].name, e[1].name, e[2].name)
		case 2:
			s.ask(detailed, image, "Explain how the inventions on this timeline build on each other.",
				"The timeline \"Talking over distance\" names four steps. In 1837 the telegraph sent pulses of current through a wire: news travelled faster than any horse, but only as code that trained people had to read. In 1876 the telephone used the same kind of wire for a current that follows the voice, so that anyone could speak without a code. Radio, which crossed the Atlantic in 1901, took away the wire: electromagnetic waves carried the signal, at first again as Morse code, and ships could be reached. In 1989 the World Wide Web was proposed; it rests on computers that are joined by cables and radio and adds pages that refer to each other. Each step keeps a part of the one before, such as the code, the wire or the wave, and widens who can take part: from operators to callers, to listeners, to everybody who writes.")
		case 3:
			s.ask(yesNo, image, "According to the timeline, was Mozart older than Beethoven?", "Yes")
		case 4:
			s.ask(specified, image, "Turn the timeline into a Markdown list with the years in bold.", strings.Join(rows, "\n"))
		case 5:
			s.ask(comparison, image, "What do the first and the last event have in common, and what sets them apart?",
				"Magna Carta (1215) and the Universal Declaration (1948) both put limits to power in writing, so that people can appeal to a text and not to a ruler's goodwill. They differ in reach: Magna Carta was an agreement of an English king with his barons and protected few, while the Declaration was adopted by the United Nations for every human being. The one was a treaty between parties, the other a statement of principle that binds through the treaties built on it. 733 years lie between them.")
		}
	}
}
