package main

import "fmt"

// pairs draws the same board of shapes twice with one change.
func pairs(s *shelf) {
	for i := range 12 {
		const w, h = 220, 180
		before := s.scatter(w, h, s.between(5, 8), tokenKinds(), paints()[:6])
		after := append([]token(nil), before...)
		k := s.rng.IntN(len(after))
		changed := before[k]
		var what string
		switch i % 3 {
		case 0:
			after[k].paint = paints()[6+i%2]
			what = fmt.Sprintf("the %s became %s", changed.called(), after[k].name)
		case 1:
			after = append(after[:k:k], after[k+1:]...)
			what = fmt.Sprintf("%s is missing", article(changed.called()))
		case 2:
			after[k].r = changed.r / 2
			what = fmt.Sprintf("the %s became half as large", changed.called())
		}
		ground := []paint{{"", white}, {"", paper}}[i%2].ink
		first, second := s.board(w, h, ground, before), s.board(w, h, ground, after)
		box := first.box(changed.at.x-changed.r, changed.at.y-changed.r, 2*changed.r, 2*changed.r)
		images := []string{s.drawing(first), s.drawing(second)}
		switch i {
		case 3, 7:
			s.add(coordinate, images, exchange{"Where in the first image is the shape that changes? Answer with [x1, y1, x2, y2].", box})
		case 4:
			s.add(yesNo, images, exchange{"Do both images hold the same number of shapes?", "No"})
		case 5, 10:
			s.add(shortPhrase, images, exchange{"How many shapes are in the first and how many in the second image?", fmt.Sprintf("%d and %d", len(before), len(after))})
		case 6:
			s.add(comparison, images, exchange{"Compare the two images in full.",
				fmt.Sprintf("Both images have the same size and background. The first holds %s; the second holds %s. All shapes keep their positions. Exactly one thing differs: %s. Its box in the first image is %s.", tally(before), tally(after), what, box)})
		case 8:
			s.add(multiChoice, images, exchange{"What changed from the first image to the second?\nA. A colour\nB. A position\nC. A size\nD. The background\nAnswer with the option's letter from the given choices directly.", "C"})
		default:
			s.add(comparison, images, exchange{"What is the difference between the first and the second image?", fmt.Sprintf("In the second image %s. Everything else is the same.", what)})
		}
	}
}
