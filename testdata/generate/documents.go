package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// documents draws receipts, notices and signs.
func documents(s *shelf) {
	for i := range 9 {
		s.receipt(i)
	}
	s.notices()
	s.signs()
}

func (s *shelf) receipt(i int) {
	shop := []string{"CORNER BAKERY", "HILL STREET GROCER", "PAPER & PEN", "CAFE LINDEN"}[i%4]
	type good struct {
		name  string
		cents int // a usual price, of which no two are close
	}
	goods := [][]good{
		{{"Rye bread", 450}, {"Poppy roll", 90}, {"Plum tart", 320}, {"Croissant", 190}, {"Oat biscuit", 140}},
		{{"Apples 1 kg", 290}, {"Milk 1 l", 140}, {"Eggs x 6", 240}, {"Rice 500 g", 190}, {"Tomatoes", 340}, {"Olive oil", 890}},
		{{"Notebook A5", 390}, {"Fountain pen", 1850}, {"Envelopes", 260}, {"Ink bottle", 620}, {"Eraser", 110}},
		{{"Espresso", 220}, {"Lemon cake", 380}, {"Mint tea", 310}, {"Soup of the day", 650}, {"Mineral water", 270}},
	}[i%4]
	n := s.between(3, len(goods)-1)
	c := s.canvas(260, 190+n*24, rgb(0xf6f3ea))
	c.text(mono, 17, black, centre, 130, 36, shop)
	c.text(mono, 12, slate, centre, 130, 56, fmt.Sprintf("Receipt %04d", s.between(100, 9800)))
	c.line(slate, 1, pt{20, 70}, pt{240, 70})
	euros := func(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
	type item struct {
		Name  string `json:"name"`
		Price string `json:"price"`
	}
	var items []item
	var names, prices, rows []string
	total, dearest, top := 0, "", 0
	y := 92.0
	for _, g := range sample(s, goods, n) {
		name, cents := g.name, g.cents+5*s.between(-3, 3)
		if cents > top {
			top, dearest = cents, name
		}
		total += cents
		items = append(items, item{name, euros(cents)})
		names = append(names, name)
		prices = append(prices, euros(cents))
		rows = append(rows, fmt.Sprintf("<tr><td>%s</td><td>%s</td></tr>", name, euros(cents)))
		c.text(mono, 13, black, left, 20, y, name)
		c.text(mono, 13, black, right, 240, y, euros(cents))
		y += 24
	}
	paid := (total/1000 + 1) * 1000
	c.line(slate, 1, pt{20, y - 8}, pt{240, y - 8})
	for _, sum := range []struct {
		name  string
		cents int
	}{{"TOTAL EUR", total}, {"CASH", paid}, {"CHANGE", paid - total}} {
		c.text(mono, 14, black, left, 20, y+12, sum.name)
		c.text(mono, 14, black, right, 240, y+12, euros(sum.cents))
		y += 22
	}
	c.text(mono, 12, slate, centre, 130, y+24, "Thank you!")
	image := s.photo(c)
	switch i {
	case 0, 5:
		s.ask(shortPhrase, image, "What is the total of this receipt?\nAnswer the question using a single word or phrase.", euros(total)+" EUR")
	case 1:
		answer, err := json.Marshal(map[string]any{"shop": shop, "items": items, "total": euros(total)})
		if err != nil {
			s.err = err
		}
		s.ask(specified, image, "Extract the receipt as JSON with the keys items (a list of name and price), shop and total. Keep prices as strings.", string(answer))
	case 2, 6:
		s.ask(stepByStep, image, "Check the sum and the change on this receipt step by step.",
			fmt.Sprintf("Step 1: the items cost %s.\nStep 2: %s = %s, which agrees with the printed total.\nStep 3: %s was paid in cash, and %s - %s = %s, which is the printed change.\nBoth figures are right.",
				listed(prices), strings.Join(prices, " + "), euros(total), euros(paid), euros(paid), euros(total), euros(paid-total)))
	case 3:
		s.ask(yesNo, image, "Was this bill paid in cash?", "Yes")
	case 4:
		s.ask(specified, image, "Return the items as rows of an HTML table, one <tr> per line, without the table tag.", strings.Join(rows, "\n"))
	case 7:
		s.add(shortPhrase, []string{image},
			exchange{"Which shop is this receipt from?", shop},
			exchange{"What was bought?", listed(names)},
			exchange{"Which item was the most expensive?", dearest},
			exchange{"How much change was given?", euros(paid-total) + " EUR"})
	case 8:
		s.ask(shortText, image, "Give a brief description of the image.",
			fmt.Sprintf("A till receipt from %s listing %s, paid in cash with a total of %s euros.", shop, plural(n, "item"), euros(total)))
	}
}

// notices are letters and posters of a few sentences.
func (s *shelf) notices() {
	texts := []struct{ title, body, sign string }{
		{"Lost cat", "Our grey cat Pepper has been missing since Monday evening. She has white paws and a red collar with a bell. Please look in sheds and garages near Mill Lane.", "Call Nora: 555 0142"},
		{"Library news", "From 1 October the library opens at nine instead of ten. The reading room on the second floor stays closed until the new heating is installed. Books can be returned at any time through the flap at the side door.", "Your library team"},
		{"Water supply", "On Thursday between 8 and 12 the water will be turned off in Harbour Street because a valve has to be replaced. Please fill a few bottles the evening before. Afterwards let the tap run for a minute until the water is clear.", "Town works"},
		{"Dear Tom,", "the apple tree you planted has flowered for the first time. Bees came on the second morning, and I counted eleven of them before breakfast. If the frost stays away we shall have cider in autumn.", "Yours, Aunt Ida"},
		{"Night of the choir", "Twenty singers perform folk songs from the coast in the old sail loft. Admission is free, but donations help to repair the roof. Doors open at half past seven.", "Saturday, 14 June"},
		{"How to sow peas", "Soak the peas for one night. Sow them three centimetres deep and five apart as soon as the soil can be worked. Put sticks beside the row, because peas climb.", "Seed packet no. 31"},
	}
	questions := []struct {
		style            style
		question, answer string
	}{
		{specified, "Put the notice into a JSON object with the keys animal, name, colour, collar and phone.", `{"animal": "cat", "name": "Pepper", "colour": "grey", "collar": "red with a bell", "phone": "555 0142"}`},
		{detailed, "Explain in your own words everything this notice announces.", "The notice, headed \"Library news\" and signed by the library team, announces three things. First, from 1 October the library opens an hour earlier, at nine instead of ten. Second, one part of the building, the reading room on the second floor, cannot be used for now: it stays closed until the new heating has been put in, for which no date is given. Third, readers need not wait for opening hours to bring books back, because a flap at the side door takes returns at any time. So most visitors gain an hour in the morning, while those who want to work in the reading room have to find another place until the heating is ready."},
		{stepByStep, "Why does the notice ask people to let the tap run afterwards? Explain the chain of causes.", "1. A valve in Harbour Street is replaced, so the supply is turned off and the pipes partly empty.\n2. While the pipe is open and when water rushes back, air gets in and deposits on the pipe walls are loosened.\n3. The first water after the work therefore carries air bubbles and particles and looks cloudy.\n4. Letting the tap run for a minute flushes them out, until the water is clear again."},
		{shortText, "Summarise the letter in one sentence.", "Aunt Ida tells Tom that his apple tree has flowered for the first time, visited by eleven bees, and that she hopes for cider in autumn."},
		{shortPhrase, "What are donations used for?", "To repair the roof"},
		{specified, "Rewrite the instructions as a numbered list of short imperatives.", "1. Soak the peas for one night.\n2. Sow them as soon as the soil can be worked, three centimetres deep and five apart.\n3. Put sticks beside the row for the peas to climb."},
	}
	for i, text := range texts {
		c := s.canvas(400, 240, pick(s, []paint{{"", paper}, {"", rgb(0xeef3f7)}, {"", rgb(0xfdf2dc)}}).ink)
		kind := regular
		if i == 3 {
			kind = italic
		}
		c.frame(slate, 2, 10, 10, 380, 220)
		c.text(bold, 24, rgb(0x274060), left, 28, 48, text.title)
		c.paragraph(kind, 16, black, 28, 80, 344, text.body)
		c.text(bold, 15, rgb(0x8a3b2e), right, 372, 216, text.sign)
		s.ask(questions[i].style, s.drawing(c), questions[i].question, questions[i].answer)
	}
	last := s.files[len(s.files)-1].name
	s.ask(shortPhrase, last, "Read all the text in the image.", texts[5].title+"\n"+texts[5].body+"\n"+texts[5].sign)
}

// signs are road and door signs with few words.
func (s *shelf) signs() {
	signs := []struct {
		words            string
		ink              uint32
		tips             int
		style            style
		question, answer string
	}{
		{"STOP", 0xc0272d, 8, shortPhrase, "What does the sign say?", "STOP"},
		{"EXIT", 0x1f8a4c, 4, yesNo, "Does this sign tell people to enter?", "No"},
		{"LANE ENDS", 0xf2c521, 4, shortText, "Describe the sign briefly.", "A yellow diamond-shaped sign with the words LANE ENDS in black capitals."},
		{"500 m", 0x2458a6, 4, shortPhrase, "Which distance is given on the sign?", "500 m"},
	}
	for i, sign := range signs {
		c := s.canvas(160, 160, rgb(0xcfe3ee))
		switch {
		case sign.tips == 8:
			var points []pt
			for k := range 8 {
				points = append(points, pt{80, 80}.polar(66, 22.5+45*float64(k)))
			}
			c.fill(rgb(sign.ink), points...)
		case i == 2:
			c.fill(rgb(sign.ink), polygon(pt{80, 80}, 76, 4, 1)...)
		default:
			c.rect(rgb(sign.ink), 14, 46, 132, 68)
		}
		if i == 2 {
			c.text(bold, 20, black, centre, 80, 78, "LANE")
			c.text(bold, 20, black, centre, 80, 100, "ENDS")
		} else {
			c.text(bold, 36, white, centre, 80, 93, sign.words)
		}
		s.ask(sign.style, s.photo(c), sign.question, sign.answer)
	}
}
