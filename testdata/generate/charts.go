package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A series is the content of one chart: a value per label.
type series struct {
	title, unit string // the unit in the plural, as `has 40 visitors`
	noun        string // what a label is, such as month
	labels      []string
	values      []int
}

// charts draws bar, line and pie charts and asks of each in another style.
func charts(s *shelf) {
	months := []string{"January", "February", "March", "April", "May", "June"}
	topics := []series{
		{title: "Rainfall in Brackley", unit: "mm", noun: "month", labels: months},
		{title: "Visitors of the Harbour Museum", unit: "visitors", noun: "day", labels: []string{"Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}},
		{title: "Books lent by branch", unit: "books", noun: "branch", labels: []string{"North", "Riverside", "Old Town", "Station", "Hillfoot"}},
		{title: "Harvest of the valley farms", unit: "tonnes", noun: "crop", labels: []string{"Wheat", "Barley", "Oats", "Rye", "Maize"}},
		{title: "Electricity used by the workshop", unit: "kWh", noun: "month", labels: months},
		{title: "Trees planted per year", unit: "trees", noun: "year", labels: []string{"2017", "2018", "2019", "2020", "2021", "2022", "2023"}},
		{title: "Season points by team", unit: "points", noun: "team", labels: []string{"Otters", "Herons", "Badgers", "Swifts"}},
		{title: "Bicycles counted on the bridge", unit: "bicycles", noun: "hour", labels: []string{"06:00", "08:00", "10:00", "12:00", "14:00", "16:00"}},
	}
	shares := []series{
		{title: "How pupils come to school", unit: "percent", noun: "way of travel", labels: []string{"On foot", "Bicycle", "Bus", "Car"}},
		{title: "Land use of Fernley parish", unit: "percent", noun: "kind of land", labels: []string{"Forest", "Pasture", "Fields", "Water", "Buildings"}},
		{title: "Favourite fruit of class 4b", unit: "percent", noun: "fruit", labels: []string{"Apple", "Pear", "Cherry", "Plum"}},
	}
	for i := range 30 {
		var d series
		draw := (*shelf).bars
		switch i % 5 {
		case 4:
			d, draw = shares[i/5%len(shares)], (*shelf).pie
			d.values = s.parts(100, len(d.labels))
		default:
			d = topics[i%len(topics)]
			for _, n := range s.rng.Perm(18)[:len(d.labels)] {
				d.values = append(d.values, 10*(n+1)+10)
			}
			if i%5 > 1 && slices.Contains([]string{"month", "day", "year", "hour"}, d.noun) {
				draw = (*shelf).curve
			}
		}
		s.questions(i, d, draw(s, d))
	}
}

// parts cuts a total into n different parts, multiples of 5 from 5 on.
func (s *shelf) parts(total, n int) []int {
	for {
		var parts []int
		rest := total / 5
		for k := n - 1; k > 0; k-- {
			part := s.between(1, rest-k)
			parts = append(parts, part*5)
			rest -= part
		}
		parts = append(parts, rest*5)
		if sorted := slices.Sorted(slices.Values(parts)); len(slices.Compact(sorted)) == n {
			return parts
		}
	}
}

// questions asks one of ten things about a chart whose values all differ.
func (s *shelf) questions(i int, d series, image string) {
	top, low, sum := 0, 0, 0
	for k, v := range d.values {
		sum += v
		if v > d.values[top] {
			top = k
		}
		if v < d.values[low] {
			low = k
		}
	}
	a, b := i%len(d.labels), (i+2)%len(d.labels)
	n := len(d.labels)
	switch i % 10 {
	case 0:
		s.ask(shortPhrase, image, fmt.Sprintf("Which %s has the highest value? Answer the question using a single word or phrase.", d.noun), d.labels[top])
	case 1:
		s.ask(detailed, image, "Describe this chart in detail.", d.description(top, low))
	case 2:
		s.ask(stepByStep, image, fmt.Sprintf("What is the average per %s, in %s? Think step by step.", d.noun, d.unit),
			fmt.Sprintf("First I read each value from the chart: %s. Next I add them: %s = %d. There are %d values, so I divide the sum by %d: %d / %d = %.1f. The average is therefore %.1f %s per %s.",
				d.readings(), joined(d.values, " + "), sum, n, n, sum, n, float64(sum)/float64(n), float64(sum)/float64(n), d.unit, d.noun))
	case 3:
		answer := "No"
		if d.values[a] > d.values[b] {
			answer = "Yes"
		}
		s.ask(yesNo, image, fmt.Sprintf("Is the value for %s greater than the value for %s? Answer yes or no.", d.labels[a], d.labels[b]), answer)
	case 4:
		s.choose(image, fmt.Sprintf("Which %s has the smallest share?", d.noun), d.labels[low], slices.Delete(slices.Clone(d.labels), low, low+1)...)
	case 5:
		fields := make(map[string]int, n)
		for k, label := range d.labels {
			fields[label] = d.values[k]
		}
		answer, err := json.Marshal(fields)
		if err != nil {
			s.err = err
		}
		s.ask(specified, image, fmt.Sprintf("Return the data of this chart as a JSON object that maps each %s to its value, keys in alphabetical order and nothing else.", d.noun), string(answer))
	case 6:
		more, less := a, b
		if d.values[a] < d.values[b] {
			more, less = b, a
		}
		s.ask(comparison, image, fmt.Sprintf("Compare %s and %s.", d.labels[a], d.labels[b]),
			fmt.Sprintf("%s stands higher than %s: %d against %d %s. That is a difference of %d, so %s reaches %.0f percent of the value of %s.",
				d.labels[more], d.labels[less], d.values[more], d.values[less], d.unit, d.values[more]-d.values[less],
				d.labels[less], 100*float64(d.values[less])/float64(d.values[more]), d.labels[more]))
	case 7:
		s.ask(shortText, image, "Summarise the chart in one sentence.",
			fmt.Sprintf("%s ranges from %d %s (%s) to %d %s (%s).", d.title, d.values[low], d.unit, d.labels[low], d.values[top], d.unit, d.labels[top]))
	case 8:
		s.add(shortPhrase, []string{image},
			exchange{"What is the title of the chart?", d.title},
			exchange{fmt.Sprintf("And what is the value for %s?", d.labels[a]), fmt.Sprintf("%d %s", d.values[a], d.unit)},
			exchange{"How many values are shown?", fmt.Sprint(n)})
	case 9:
		s.ask(specified, image, "Write the data as an HTML table with the columns label and value, without any other text.", d.html())
	}
}

func (d series) readings() string {
	var words []string
	for k, label := range d.labels {
		words = append(words, fmt.Sprintf("%s %d", label, d.values[k]))
	}
	return listed(words)
}

func (d series) html() string {
	var b strings.Builder
	b.WriteString("<table>\n<tr><th>label</th><th>value</th></tr>\n")
	for k, label := range d.labels {
		fmt.Fprintf(&b, "<tr><td>%s</td><td>%d</td></tr>\n", label, d.values[k])
	}
	return b.String() + "</table>"
}

func (d series) description(top, low int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The chart is titled \"%s\" and shows %d values, one for each %s, counted in %s. ", d.title, len(d.values), d.noun, d.unit)
	fmt.Fprintf(&b, "From left to right they are %s. ", d.readings())
	fmt.Fprintf(&b, "The highest value belongs to %s with %d %s, the lowest to %s with %d, so the range is %d. ",
		d.labels[top], d.values[top], d.unit, d.labels[low], d.values[low], d.values[top]-d.values[low])
	first, last := d.values[0], d.values[len(d.values)-1]
	way := "higher"
	if last < first {
		way = "lower"
	}
	fmt.Fprintf(&b, "The last entry, %s, is %s than the first, %s, by %d %s.",
		d.labels[len(d.labels)-1], way, d.labels[0], int(math.Abs(float64(last-first))), d.unit)
	return b.String()
}

func joined(values []int, separator string) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, separator)
}

// plot draws title, grid and labels, and returns where the k-th value lies.
func (s *shelf) plot(d series) (*canvas, func(k int) pt) {
	sizes := [][2]int{{480, 320}, {400, 300}, {560, 360}, {360, 280}}
	size := pick(s, sizes)
	c := s.canvas(size[0], size[1], pick(s, []paint{{"", white}, {"", paper}}).ink)
	floor, ceiling, start := c.height()-40, 50.0, 48.0
	c.text(bold, 16, black, centre, c.width()/2, 24, d.title)
	c.text(italic, 12, slate, left, 8, 42, d.unit)
	for v := 0; v <= 200; v += 50 {
		y := floor - (floor-ceiling)*float64(v)/200
		c.line(faint, 1, pt{start, y}, pt{c.width() - 12, y})
		c.text(regular, 11, slate, right, start-6, y+4, fmt.Sprint(v))
	}
	step := (c.width() - start - 12) / float64(len(d.values))
	at := func(k int) pt {
		return pt{start + step*(float64(k)+0.5), floor - (floor-ceiling)*float64(d.values[k])/200}
	}
	for k, label := range d.labels {
		if s.faces.measure(regular, 11, label) > step-4 {
			label = label[:3]
		}
		c.text(regular, 11, black, centre, at(k).x, floor+16, label)
	}
	c.line(black, 1.5, pt{start, floor}, pt{c.width() - 12, floor})
	return c, at
}

func (s *shelf) bars(d series) string {
	c, at := s.plot(d)
	ink := pick(s, paints()).ink
	width := (at(1).x - at(0).x) * 0.6
	for k, v := range d.values {
		p := at(k)
		c.rect(ink, p.x-width/2, p.y, width, c.height()-40-p.y)
		c.text(regular, 11, black, centre, p.x, p.y-4, fmt.Sprint(v))
	}
	return s.drawing(c)
}

func (s *shelf) curve(d series) string {
	c, at := s.plot(d)
	ink := pick(s, paints()).ink
	var points []pt
	for k := range d.values {
		points = append(points, at(k))
	}
	c.line(ink, 2.5, points...)
	for k, p := range points {
		c.disc(ink, p, 4.5)
		before, after := d.values[max(k-1, 0)], d.values[min(k+1, len(d.values)-1)]
		y := p.y - 9
		if before+after > 2*d.values[k] {
			y = p.y + 17 // in a valley the line runs above the point
		}
		c.text(regular, 11, black, centre, p.x, y, fmt.Sprint(d.values[k]))
	}
	return s.drawing(c)
}

func (s *shelf) pie(d series) string {
	c := s.canvas(420, 280, white)
	c.text(bold, 16, black, centre, 210, 24, d.title)
	middle, from := pt{140, 155}, -90.0
	inks := paints()
	for k, v := range d.values {
		to := from + 3.6*float64(v)
		c.sector(inks[k].ink, middle, 92, from, to)
		label := middle.polar(107, (from+to)/2)
		c.text(bold, 12, black, centre, label.x, label.y+4, fmt.Sprintf("%d%%", v))
		c.rect(inks[k].ink, 275, 90+float64(k)*28, 16, 16)
		c.text(regular, 13, black, left, 299, 103+float64(k)*28, d.labels[k])
		from = to
	}
	return s.drawing(c)
}
