package main

import "fmt"

// texts are samples without an image, as most instruction pools hold some.
func texts(s *shelf) {
	for i := range 4 {
		a, b, c := s.between(12, 48), s.between(11, 39), s.between(3, 9)
		switch i {
		case 0:
			s.ask(shortPhrase, "", fmt.Sprintf("What is %d + %d?", a, b), fmt.Sprint(a+b))
		case 1:
			s.ask(stepByStep, "", fmt.Sprintf("A baker bakes %d trays with %d rolls each and sells all but %d. How many rolls are sold? Think step by step.", c, a, b),
				fmt.Sprintf("There are %d trays of %d rolls: %d x %d = %d rolls. Of these %d are left over, so %d - %d = %d rolls are sold.", c, a, c, a, c*a, b, c*a, b, c*a-b))
		case 2:
			s.choose("", fmt.Sprintf("Which number is the product of %d and %d?", a, c), fmt.Sprint(a*c), fmt.Sprint(a*c+c), fmt.Sprint(a*c-10), fmt.Sprint(a+c))
		case 3:
			s.ask(yesNo, "", fmt.Sprintf("Is %d divisible by %d?", a*c, c), "Yes")
		}
	}
	for _, t := range []struct {
		style     style
		exchanges []exchange
	}{
		{detailed, []exchange{{"Write a short essay on why old bridges were often built with arches.",
			"Stone is strong when it is pressed and weak when it is pulled. A straight stone beam over a gap is pressed along its upper side and pulled along its lower side, and so it cracks from below unless the gap is small. An arch avoids the pull. Its wedge-shaped stones lean on each other, and the load above drives them together: from stone to stone the force is handed on as pressure until it reaches the abutments at both ends, which push back.\n\nThis gave builders three advantages. They could span wide rivers with a material found nearby. They needed no iron, and hardly any mortar, since the shape held itself. And the bridge lasted, because stone under steady pressure ages slowly.\n\nThe price was paid during building. Until the last stone, the keystone, was set, nothing stood by itself, so a wooden frame had to carry the arch. The abutments, too, had to be heavy enough to resist the sideways thrust. Where the ground could bear that, arches have stood for two thousand years."}}},
		{specified, []exchange{{"Return a JSON object with the days of the weekend in English and German, keyed en and de.", `{"en": ["Saturday", "Sunday"], "de": ["Samstag", "Sonntag"]}`}}},
		{shortPhrase, []exchange{{"Which planet is closest to the Sun?", "Mercury"}, {"And which one is the largest?", "Jupiter"}}},
		{stepByStep, []exchange{{"All larches are conifers. Most conifers keep their needles in winter, but larches lose them. Can one conclude from a bare tree in January that it is no conifer?",
			"No. 1. The first sentence makes larches a part of the conifers. 2. The second says that larches lose their needles in winter. 3. So there are conifers that are bare in January, namely larches. 4. A bare tree may be one of them. The observation alone does not rule out a conifer; it only makes one less likely."}}},
		{comparison, []exchange{{"Compare lakes and rivers.",
			"Both are bodies of fresh water on land, fed by rain, springs and streams. A river moves in one direction, downhill in a bed it keeps cutting, and renews its water within days or weeks. A lake fills a hollow; its water hardly moves and stays for years, so that it forms warm and cold layers and collects mud at the bottom. Rivers join places and carry ships and sediment; lakes store water and even out floods. Often they belong together: a river flows into a lake at one end and leaves it, clearer, at the other."}}},
		{specified, []exchange{{"Rewrite as a polite request: \"Shut the window.\"", "Could you please close the window?"}}},
		{specified, []exchange{{"Write a Go function that reports whether a string reads the same backwards. Only code.",
			"func palindrome(s string) bool {\n\tr := []rune(s)\n\tfor i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {\n\t\tif r[i] != r[j] {\n\t\t\treturn false\n\t\t}\n\t}\n\treturn true\n}"}}},
		{shortText, []exchange{{"Explain in one sentence what a tide is.", "A tide is the regular rise and fall of the sea, caused mainly by the pull of the Moon while the Earth turns beneath it."}}},
		{detailed, []exchange{{"Tell a bedtime story of about eighty words about a snail.",
			"A snail once wished to see the other side of the garden wall. \"You will need all summer,\" laughed the beetle. The snail set out at dusk. She slept in the ivy, drank dew from a cup of moss, and learned the names of the stars. When she reached the top, the leaves were yellow. Beyond the wall lay another garden, just like her own. \"Was it worth it?\" called the beetle. \"Oh yes,\" said the snail. \"I have been a whole summer high.\""},
			{"Give the story a title of three words.", "A Summer High"}}},
		{shortPhrase, []exchange{{"Translate into French: good evening", "Bonsoir"}}},
	} {
		s.add(t.style, nil, t.exchanges...)
	}
}
