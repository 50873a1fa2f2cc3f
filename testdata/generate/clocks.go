package main

import "fmt"

// clocks draws dials.
func clocks(s *shelf) {
	for i := range 10 {
		hour, minute := s.between(1, 12), 5*s.between(1, 11)
		size := pick(s, []int{96, 128, 160, 200})
		c := s.canvas(size, size, pick(s, []paint{{"", rgb(0xe9edf2)}, {"", rgb(0xf1e6d6)}}).ink)
		r := float64(size) / 2
		middle := pt{r, r}
		c.disc(black, middle, r*0.94)
		c.disc(white, middle, r*0.88)
		for k := range 60 {
			inner, width := 0.83, 1.0
			if k%5 == 0 {
				inner, width = 0.78, 2
			}
			c.line(black, width, middle.polar(r*0.86, float64(k)*6), middle.polar(r*inner, float64(k)*6))
		}
		for k := 1; k <= 12; k++ {
			p := middle.polar(r*0.66, float64(k)*30-90)
			c.text(bold, r*0.19, black, centre, p.x, p.y+r*0.07, fmt.Sprint(k))
		}
		c.line(black, r*0.07, middle, middle.polar(r*0.42, float64(hour%12)*30+float64(minute)/2-90))
		c.line(rgb(0xb23a48), r*0.04, middle, middle.polar(r*0.72, float64(minute)*6-90))
		c.disc(black, middle, r*0.06)
		image := s.drawing(c)
		now := fmt.Sprintf("%d:%02d", hour, minute)
		later := func(minutes int) string {
			t := hour*60 + minute + minutes
			return fmt.Sprintf("%d:%02d", (t/60+11)%12+1, t%60)
		}
		switch i {
		case 0, 8:
			s.ask(shortPhrase, image, "What time does the clock show?", now)
		case 1, 6:
			s.ask(stepByStep, image, "Read the clock step by step.",
				fmt.Sprintf("1. The short black hand is the hour hand. It points between %d and %d, so the hour is %d.\n2. The long red hand is the minute hand. It points at the %d, and each number stands for five minutes: %d x 5 = %d.\n3. The time is %s.", hour, hour%12+1, hour, minute/5, minute/5, minute, now))
		case 2:
			s.ask(yesNo, image, "Is it past half past on this clock, that is, have more than 30 minutes of the hour gone?", map[bool]string{true: "Yes", false: "No"}[minute > 30])
		case 3:
			s.choose(image, "A film of 95 minutes starts at the time shown. When does it end?", later(95), later(85), later(105), later(155))
		case 4:
			s.ask(specified, image, "It is afternoon. Write the time in 24-hour form HH:MM, nothing else.", fmt.Sprintf("%02d:%02d", hour%12+12, minute))
		case 5:
			s.ask(shortText, image, "Describe the picture.", fmt.Sprintf("A round wall clock with a white dial, a black hour hand and a red minute hand, showing %s.", now))
		case 7:
			s.add(shortPhrase, []string{image}, exchange{"Which number does the red hand point at?", fmt.Sprint(minute / 5)},
				exchange{"So what time is it?", now}, exchange{"And what will it be 40 minutes later?", later(40)})
		case 9:
			s.ask(comparison, image, "Compare the two hands.", fmt.Sprintf("The hour hand is short, thick and black and points between %d and %d; the minute hand is thinner, red, reaches almost to the rim and points at %d. In an hour the short hand moves on by 30 degrees, while the long one goes round once, 360 degrees, twelve times as fast.", hour, hour%12+1, minute/5))
		}
	}
}
