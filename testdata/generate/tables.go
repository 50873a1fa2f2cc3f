package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A grid is the content of a table; the first column names the row.
type grid struct {
	title  string
	header []string
	rows   [][]string
}

// tables draws timetables, stock lists, standings and facts, and calendar sheets.
func tables(s *shelf) {
	for i := range 12 {
		switch i % 4 {
		case 0:
			s.timetable(i / 4)
		case 1:
			s.stock(i / 4)
		case 2:
			s.standings(i / 4)
		case 3:
			s.elements(i / 4)
		}
	}
	for i := range 6 {
		s.calendar(i)
	}
}

func (s *shelf) drawGrid(g grid) string {
	const rowHeight, pad = 26.0, 10.0
	widths := make([]float64, len(g.header))
	total := 2 * pad
	for k := range g.header {
		widths[k] = s.faces.measure(bold, 13, g.header[k]) + 2*pad
		for _, row := range g.rows {
			widths[k] = max(widths[k], s.faces.measure(regular, 13, row[k])+2*pad)
		}
		total += widths[k]
	}
	total = max(total, s.faces.measure(bold, 16, g.title)+2*pad)
	c := s.canvas(int(total), 52+int(rowHeight)*(len(g.rows)+1), white)
	c.text(bold, 16, black, left, pad, 26, g.title)
	for r, row := range append([][]string{g.header}, g.rows...) {
		y, kind := 40+rowHeight*float64(r), regular
		if r == 0 {
			kind = bold
			c.rect(rgb(0xdfe6f2), pad, y, total-2*pad, rowHeight)
		}
		x := pad
		for k, cell := range row {
			c.text(kind, 13, black, left, x+pad/2, y+18, cell)
			x += widths[k]
		}
		c.line(faint, 1, pt{pad, y + rowHeight}, pt{total - pad, y + rowHeight})
	}
	return s.drawing(c)
}

func (g grid) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(g.header, " | "), strings.Repeat(" --- |", len(g.header)))
	for _, row := range g.rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (s *shelf) timetable(i int) {
	g := grid{title: fmt.Sprintf("Line %d, weekdays", s.between(2, 9)), header: []string{"Stop", "Train A", "Train B", "Train C"}}
	stops := sample(s, []string{"Millbrook", "Ashford Lane", "Castle Square", "Quayside", "Elm Park", "Northgate", "Weavers Row"}, 5)
	minutes := []int{s.between(6*60, 7*60), s.between(9*60, 10*60), s.between(16*60, 17*60)}
	starts := slices.Clone(minutes)
	for _, stop := range stops {
		row := []string{stop}
		for k := range minutes {
			row = append(row, fmt.Sprintf("%02d:%02d", minutes[k]/60, minutes[k]%60))
			minutes[k] += s.between(5, 14)
		}
		g.rows = append(g.rows, row)
	}
	image := s.drawGrid(g)
	first, last := g.rows[0], g.rows[len(g.rows)-1]
	switch i {
	case 0:
		s.ask(shortPhrase, image, fmt.Sprintf("When does train B leave %s?", g.rows[2][0]), g.rows[2][2])
	case 1:
		var arrival int
		var hour, minute int
		if _, err := fmt.Sscanf(last[1], "%d:%d", &hour, &minute); err != nil {
			s.err = err
		}
		arrival = hour*60 + minute
		s.ask(stepByStep, image, fmt.Sprintf("How long does train A take from %s to %s? Explain how you get there.", first[0], last[0]),
			fmt.Sprintf("1. The row of %s shows train A at %s.\n2. The row of %s shows it at %s.\n3. Counted in minutes from midnight these are %d and %d.\n4. The difference is %d - %d = %d.\nSo the ride takes %d minutes.",
				first[0], first[1], last[0], last[1], starts[0], arrival, arrival, starts[0], arrival-starts[0], arrival-starts[0]))
	case 2:
		s.ask(specified, image, "Copy the timetable as a Markdown table. Output the table only.", g.markdown())
	}
}

func (s *shelf) stock(i int) {
	g := grid{title: "Garden shop, stock on " + []string{"2 March", "9 May", "30 June"}[i], header: []string{"Article", "Pieces", "Price"}}
	var worth, most, mostAt int
	var sums []string
	records := []map[string]any{}
	for k, article := range sample(s, []string{"Watering can", "Spade", "Rake", "Gloves", "Seed tray", "Garden hose", "Trowel"}, 4) {
		pieces, price := s.between(2, 40), s.between(3, 30)
		worth += pieces * price
		if pieces > most {
			most, mostAt = pieces, k
		}
		sums = append(sums, fmt.Sprintf("%s: %d x %d = %d", article, pieces, price, pieces*price))
		g.rows = append(g.rows, []string{article, fmt.Sprint(pieces), fmt.Sprintf("£%d", price)})
		records = append(records, map[string]any{"article": article, "pieces": pieces, "price": price})
	}
	image := s.drawGrid(g)
	switch i {
	case 0:
		s.ask(stepByStep, image, "What is the whole stock worth? Show the calculation.",
			fmt.Sprintf("The worth of an article is its number of pieces times its price.\n- %s\nAdding the four results gives £%d.", strings.Join(sums, "\n- "), worth))
	case 1:
		answer, err := json.MarshalIndent(records, "", "  ")
		if err != nil {
			s.err = err
		}
		s.ask(specified, image, "Convert the table to a JSON array with the keys article, pieces and price (a number in pounds).", string(answer))
	case 2:
		var names []string
		for _, row := range g.rows {
			names = append(names, row[0])
		}
		s.choose(image, "Of which article are most pieces in stock?", names[mostAt], slices.Delete(slices.Clone(names), mostAt, mostAt+1)...)
	}
}

func (s *shelf) standings(i int) {
	g := grid{title: []string{"Chess club, spring round", "River rowing cup", "Quiz league, final table"}[i], header: []string{"Place", "Team", "Won", "Lost", "Points"}}
	won := []int{9, 7, 6, 3, 1}
	teams := sample(s, []string{"Lanterns", "Millers", "Foxes", "Comets", "Anchors", "Poplars", "Rooks"}, len(won))
	for k, w := range won {
		g.rows = append(g.rows, []string{fmt.Sprint(k + 1), teams[k], fmt.Sprint(w), fmt.Sprint(10 - w), fmt.Sprint(3 * w)})
	}
	image := s.drawGrid(g)
	switch i {
	case 0:
		s.ask(comparison, image, fmt.Sprintf("How do %s and %s differ in this table?", teams[0], teams[3]),
			fmt.Sprintf("%s lead the table with %d wins, %d loss and %d points, while %s are fourth with %d wins, %d losses and %d points. Both played ten rounds; %s won three times as often.",
				teams[0], won[0], 10-won[0], 3*won[0], teams[3], won[3], 10-won[3], 3*won[3], teams[0]))
	case 1:
		s.ask(yesNo, image, fmt.Sprintf("Did %s win more rounds than they lost?", teams[2]), "Yes")
	case 2:
		s.ask(detailed, image, "Explain what this table tells, row by row, and how points seem to be awarded.",
			fmt.Sprintf("The table \"%s\" ranks five teams by points. %s are first with 9 wins and 1 loss, which gives 27 points. %s follow with 7 wins, 3 losses and 21 points, just ahead of %s, who won 6, lost 4 and have 18 points. %s are fourth with 3 wins, 7 losses and 9 points, and %s close the table with a single win, 9 losses and 3 points. In every row the points are three times the wins, and wins and losses add up to ten: each team played ten rounds, a win counts three points and a loss nothing. No column shows draws, so there were none.",
				g.title, teams[0], teams[1], teams[2], teams[3], teams[4]))
	}
}

func (s *shelf) elements(i int) {
	g := grid{title: "Some chemical elements", header: []string{"Element", "Symbol", "Number", "State at 20 °C"}}
	all := [][]string{{"Hydrogen", "H", "1", "gas"}, {"Carbon", "C", "6", "solid"}, {"Oxygen", "O", "8", "gas"}, {"Sodium", "Na", "11", "solid"},
		{"Iron", "Fe", "26", "solid"}, {"Bromine", "Br", "35", "liquid"}, {"Silver", "Ag", "47", "solid"}, {"Mercury", "Hg", "80", "liquid"}}
	switch i {
	case 0:
		g.rows = all[:6]
		s.ask(shortPhrase, s.drawGrid(g), "Which element of the table is liquid at room temperature?", "Bromine")
	case 1:
		g.rows = all[2:]
		s.choose(s.drawGrid(g), "How many protons does an atom of the element with the symbol Na have?", "11", "12", "22", "23")
	case 2:
		g.rows = all
		s.add(stepByStep, []string{s.drawGrid(g)},
			exchange{"Which two of these elements form water, and what is the mass of a water molecule if hydrogen weighs about 1 u and oxygen about 16 u?",
				"Water is H2O, so its elements are hydrogen (number 1) and oxygen (number 8). A molecule has two hydrogen atoms and one oxygen atom: 2 x 1 u + 1 x 16 u = 18 u. A water molecule weighs about 18 u."},
			exchange{"Why does the table give a state only together with a temperature?",
				"Because the state depends on it: mercury, liquid at 20 °C, freezes at about -39 °C, and bromine boils at about 59 °C. Without a temperature, solid, liquid or gas would say little."})
	}
}

// calendar draws the sheet of a month.
func (s *shelf) calendar(i int) {
	first := time.Date(2024+i/3, time.Month(1+(i*5)%12), 1, 0, 0, 0, 0, time.UTC)
	days := first.AddDate(0, 1, -1).Day()
	marked := s.between(5, days-8)
	c := s.canvas(308, 290, white)
	c.rect(rgb(0xb23a48), 0, 0, 308, 44)
	c.text(bold, 20, white, centre, 154, 29, first.Format("January 2006"))
	for k, day := range []string{"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"} {
		c.text(bold, 13, slate, centre, 34+40*float64(k), 68, day)
	}
	offset := (int(first.Weekday()) + 6) % 7
	for day := 1; day <= days; day++ {
		column, row := (offset+day-1)%7, (offset+day-1)/7
		x, y := 34+40*float64(column), 98+34*float64(row)
		ink := black
		if column == 6 {
			ink = rgb(0xb23a48)
		}
		if day == marked {
			c.disc(rgb(0xf2c521), pt{x, y - 5}, 15)
		}
		c.text(regular, 15, ink, centre, x, y, fmt.Sprint(day))
	}
	image := s.drawing(c)
	date := first.AddDate(0, 0, marked-1)
	switch i {
	case 0:
		s.ask(shortPhrase, image, "On which day of the week does the marked date fall?", date.Weekday().String())
	case 1:
		s.ask(stepByStep, image, "A parcel is sent on the marked date and takes nine days. On which date and weekday does it arrive? Reason step by step.",
			fmt.Sprintf("The marked date is %s. Seven days later it is %s again, %s. Two more days make nine, which leads to %s.",
				date.Format("Monday 2 January"), date.Weekday(), date.AddDate(0, 0, 7).Format("2 January"), date.AddDate(0, 0, 9).Format("Monday 2 January")))
	case 2:
		s.ask(specified, image, "Give the marked date in the ISO form YYYY-MM-DD and nothing else.", date.Format("2006-01-02"))
	case 3:
		answer := "No"
		if date.Weekday() == time.Saturday || date.Weekday() == time.Sunday {
			answer = "Yes"
		}
		s.ask(yesNo, image, "Is the marked date at a weekend?", answer)
	case 4:
		s.ask(shortText, image, "What is this?", fmt.Sprintf("A calendar sheet of %s with the %s highlighted in yellow.", first.Format("January 2006"), ordinal(marked)))
	case 5:
		x, y := 34+40*float64((offset+marked-1)%7), 93+34*float64((offset+marked-1)/7)
		s.ask(coordinate, image, "Give the bounding box of the highlighted day as [x1, y1, x2, y2] in relative coordinates.", c.box(x-15, y-15, 30, 30))
	}
}

func ordinal(n int) string {
	switch {
	case n%10 == 1 && n != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}
