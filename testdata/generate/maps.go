package main

import (
	"fmt"
	"math"
	"strings"
)

// A town stands on a map's grid of squares, column A to H and row 1 to 6.
type town struct {
	name        string
	column, row int
}

func (t town) square() string { return fmt.Sprintf("%c%d", 'A'+t.column, t.row+1) }

func (t town) at() pt { return pt{32 + 48*(float64(t.column)+0.5), 24 + 48*(float64(t.row)+0.5)} }

// bearing is the compass direction from t to u where both share a row or a column.
func (t town) bearing(u town) string {
	switch {
	case u.row < t.row:
		return "north"
	case u.row > t.row:
		return "south"
	case u.column < t.column:
		return "west"
	}
	return "east"
}

// maps draws islands with towns on a grid, joined by roads along its lines of squares.
func maps(s *shelf) {
	islands := []string{"Skerrow", "Tamarin", "Old Gannet", "Lissay", "Ferrow", "Marram"}
	names := []string{"Alba", "Brent", "Corrie", "Dunmore", "Esk", "Fallow", "Garth", "Holm"}
	for i := range 18 {
		island := islands[i%len(islands)]
		called := sample(s, names, 4)
		columns, rows := s.rng.Perm(6), s.rng.Perm(4)
		var towns []town
		for k := range 4 {
			towns = append(towns, town{called[k], columns[k] + 1, rows[k] + 1})
		}
		c := s.island(island, towns)
		s.askMap(i, island, towns, c, s.drawing(c))
	}
}

func (s *shelf) island(name string, towns []town) *canvas {
	c := s.canvas(428, 340, rgb(0xa9d3ea))
	var coast []pt
	for k := range 36 {
		wobble := 1 + float64(s.between(-4, 4))/100
		sin, cos := math.Sincos(float64(k) * math.Pi / 18)
		coast = append(coast, pt{224 + 186*wobble*cos, 168 + 140*wobble*sin})
	}
	c.fill(rgb(0xd8e3b4), coast...)
	for k := 0; k <= 8; k++ {
		c.line(rgb(0x9fb9c4), 1, pt{32 + 48*float64(k), 24}, pt{32 + 48*float64(k), 312})
		if k < 8 {
			c.text(regular, 12, slate, centre, 56+48*float64(k), 18, string(rune('A'+k)))
		}
	}
	for k := 0; k <= 6; k++ {
		c.line(rgb(0x9fb9c4), 1, pt{32, 24 + 48*float64(k)}, pt{416, 24 + 48*float64(k)})
		if k < 6 {
			c.text(regular, 12, slate, centre, 18, 52+48*float64(k), fmt.Sprint(k+1))
		}
	}
	for k := range towns[1:] {
		a, b := towns[k].at(), towns[k+1].at()
		c.line(rgb(0x9a5b33), 3, a, pt{b.x, a.y}, b)
	}
	for k, t := range towns {
		c.disc([]paint{{"", rgb(0xb8202a)}, {"", black}}[min(k, 1)].ink, t.at(), 6)
		c.text(bold, 12, black, left, t.at().x+8, t.at().y-8, t.name)
	}
	c.arrow(black, 2, pt{408, 58}, pt{408, 28})
	c.text(bold, 12, black, right, 402, 40, "N")
	c.text(italic, 13, black, left, 32, 330, "The island of "+name+". One square = 10 km")
	return c
}

func (s *shelf) askMap(i int, island string, towns []town, c *canvas, image string) {
	a, b, last := towns[0], towns[1], towns[3]
	distance := func(a, b town) int {
		return 10 * (max(a.column-b.column, b.column-a.column) + max(a.row-b.row, b.row-a.row))
	}
	corner := town{column: b.column, row: a.row}
	route := fmt.Sprintf("Start in %s (square %s) and follow the road %s for %d km to square %s. There turn %s and go on for %d km to %s in square %s.",
		a.name, a.square(), a.bearing(corner), distance(a, corner), corner.square(), corner.bearing(b), distance(corner, b), b.name, b.square())
	var rows []string
	northmost, total, legs := towns[0], 0, []string{}
	for k, t := range towns {
		rows = append(rows, fmt.Sprintf("%s,%s", t.name, t.square()))
		if t.row < northmost.row {
			northmost = t
		}
		if k > 0 {
			d := distance(towns[k-1], t)
			total += d
			legs = append(legs, fmt.Sprintf("%s to %s: %d km", towns[k-1].name, t.name, d))
		}
	}
	switch i % 9 {
	case 0:
		s.ask(shortPhrase, image, fmt.Sprintf("In which square of the map does %s lie?", last.name), last.square())
	case 1:
		s.ask(stepByStep, image, fmt.Sprintf("How long is the road from %s to %s along all towns in between? Show each leg.", a.name, last.name),
			fmt.Sprintf("Roads run along rows and columns, and one square is 10 km wide.\n- %s\nTogether that makes %d km.", strings.Join(legs, "\n- "), total))
	case 2:
		s.ask(yesNo, image, fmt.Sprintf("Does %s lie farther north than %s?", a.name, b.name), map[bool]string{true: "Yes", false: "No"}[a.row < b.row])
	case 3:
		s.choose(image, "Which town lies farthest north?", northmost.name, others(towns, northmost)...)
	case 4:
		p := last.at()
		s.ask(coordinate, image, fmt.Sprintf("Give the bounding box of the dot that marks %s (relative x1, y1, x2, y2).", last.name), c.box(p.x-6, p.y-6, 12, 12))
	case 5:
		s.ask(specified, image, "List the towns in the order of the road, starting at the red dot, as CSV with the header name,square.", "name,square\n"+strings.Join(rows, "\n"))
	case 6:
		s.ask(detailed, image, "Describe this map so that someone could redraw it.",
			fmt.Sprintf("The map shows the island of %s, a roughly oval green land in a light blue sea, under a grid of eight columns, A to H, and six rows, 1 to 6. An arrow in the upper right corner points north, and the caption says that one square measures 10 km. Four towns are marked with dots: %s in %s with a red dot, and with black dots %s in %s, %s in %s and %s in %s. Brown roads join them in this order, each first along a row and then along a column. %s From there the road leads on to %s and ends in %s; its whole length is %d km.",
				island, a.name, a.square(), b.name, b.square(), towns[2].name, towns[2].square(), last.name, last.square(), route, towns[2].name, last.name, total))
	case 7:
		s.ask(shortText, image, "What does the picture show?", fmt.Sprintf("A grid map of the island of %s with four towns joined by a road.", island))
	case 8:
		s.add(stepByStep, []string{image},
			exchange{fmt.Sprintf("Give directions from %s to %s.", a.name, b.name), route},
			exchange{"How long does a cyclist need at 20 km per hour?", fmt.Sprintf("The way is %d km + %d km = %d km. At 20 km per hour that takes %d / 20 hours = %d minutes.", distance(a, corner), distance(corner, b), distance(a, b), distance(a, b), distance(a, b)*3)})
	}
}

func others(towns []town, but town) []string {
	var names []string
	for _, t := range towns {
		if t != but {
			names = append(names, t.name)
		}
	}
	return names
}
