package forms

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

var (
	// otherMark matches the image marks of other projects.
	otherMark = regexp.MustCompile(
		`<\|?(?i:image)[ _-]?(\d*)\|?>|<ImageHere>|<__dj__image>|<image_placeholder>|<\|image_pad\|>|<IMG_CONTEXT>`)
	// markAtEdge matches a text that begins with an image mark, or ends with one on its own line. Turns with an image are
	// written so.
	markAtEdge = regexp.MustCompile(`^\s*<image>|\n<image>\s*$`)
)

// arrange finds the places of the images in the turns, and completes the sample.
func (p *parser) arrange() {
	if p.Problem == nil {
		p.place()
	}
	if p.Problem == nil {
		p.checkTurns()
	}
	p.complete()
}

// place finds the places of the images of the record's field. Marks in a system turn are always text.
func (p *parser) place() {
	images, places := len(p.listed), p.unplaced()
	spoken := func(r dataset.Role) bool { return r != dataset.System }
	marks := p.count(spoken, dataset.ImageMark)
	switch {
	case images == 0 && places > 0, images > 0 && places > 0 && places != images:
		p.fail(dataset.ImageCount, p.field, fmt.Sprintf("%d content parts stand for an image of the record's field, "+
			"which has %d images; name one image for each part, in the order of the parts", places, images))
	case images == 0 && marks > 0 && len(p.own) == 0 && p.field != "":
		p.checkLost(marks)
	case places > 0, images == 0:
		p.flagMarks()
		p.order()
	case marks == images:
		p.split(spoken, dataset.ImageMark)
	case marks > 0 && p.count(dataset.Role.Rated, dataset.ImageMark) == images:
		p.split(dataset.Role.Rated, dataset.ImageMark)
		p.flag() // the marks in tool turns are text
	case marks > 0:
		p.fail(dataset.ImageCount, "", fmt.Sprintf(
			"%d %s marks in the turns, but %d images; write one mark for each image, in the order of the images",
			marks, dataset.ImageMark, images))
	case len(p.own) > 0:
		p.fail(dataset.ImageCount, p.field, fmt.Sprintf(
			"%d images are parts of the turns, and %d are in the record's field "+
				"without a place; name each image once", len(p.own), images))
	default:
		p.placeUnmarked()
	}
}

// order sorts the images of the record's field in the order of the parts that name them by an index.
func (p *parser) order() {
	var indexes []int
	for _, turn := range p.turns {
		for _, piece := range turn.pieces {
			if piece.image == unplaced && piece.index > 0 {
				indexes = append(indexes, piece.index)
			}
		}
	}
	if len(indexes) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(indexes))
	ordered := make([]dataset.Image, 0, len(p.listed))
	for i, index := range indexes {
		if len(indexes) != len(p.listed) || sorted[i] != i+1 {
			p.fail(dataset.ImageCount, p.field, fmt.Sprintf(
				"the indexes of the parts of type image do not name each of "+
					"the %d images once; give each index from 0 on once, or no index", len(p.listed)))
			return
		}
		ordered = append(ordered, p.listed[index-1])
	}
	p.listed = ordered
}

// unplaced returns the number of content parts that stand for an image of the record's field.
func (p *parser) unplaced() int {
	n := 0
	for _, turn := range p.turns {
		for _, piece := range turn.pieces {
			if piece.image == unplaced {
				n++
			}
		}
	}
	return n
}

// count returns the number of times that a mark is in the texts of turns. of selects the roles.
func (p *parser) count(of func(dataset.Role) bool, mark string) int {
	n := 0
	for _, turn := range p.turns {
		if !of(turn.role) {
			continue
		}
		for _, piece := range turn.pieces {
			n += strings.Count(piece.text, mark)
		}
	}
	return n
}

// checkLost checks a record whose image field is empty. The word <image> inside a text is text, but a turn that begins
// or ends with it has lost its image.
func (p *parser) checkLost(marks int) {
	for _, turn := range p.turns {
		for _, piece := range turn.pieces {
			if turn.role == dataset.Human && markAtEdge.MatchString(piece.text) {
				p.fail(dataset.ImageCount, p.field, fmt.Sprintf("%d %s marks in the turns, but the field has no image; "+
					"name the images, or remove the record", marks, dataset.ImageMark))
			}
		}
	}
	p.flag()
}

// flagMarks flags the sample if image marks in its turns are text.
func (p *parser) flagMarks() {
	for _, turn := range p.turns {
		for _, piece := range turn.pieces {
			if strings.Contains(piece.text, dataset.ImageMark) || otherMark.MatchString(piece.text) {
				p.flag()
			}
		}
	}
}

// split makes each mark in the turns the place of an image. of selects the roles. If there are several marks, each is
// used once, in order.
func (p *parser) split(of func(dataset.Role) bool, marks ...string) {
	if p.losses != nil && len(marks) > 0 {
		p.losses.mark = marks[0]
	}
	for i, turn := range p.turns {
		if !of(turn.role) {
			continue
		}
		var pieces []piece
		for _, whole := range turn.pieces {
			rest := whole
			for len(marks) > 0 && rest.image == 0 {
				before, after, found := strings.Cut(rest.text, marks[0])
				if !found {
					break
				}
				pieces = append(pieces, piece{text: before}, piece{image: unplaced})
				rest.text = after
				if len(marks) > 1 {
					marks = marks[1:]
				}
			}
			pieces = append(pieces, rest)
		}
		p.turns[i].pieces = pieces
	}
}

// placeUnmarked places the images of a record without the mark <image>. If the record has the same number of marks of
// another project, the images are put in their places. If it has no marks, they are put before the first human turn.
func (p *parser) placeUnmarked() {
	p.flag()
	var marks, numbers []string
	for _, turn := range p.turns {
		if turn.role == dataset.System {
			continue
		}
		for _, piece := range turn.pieces {
			for _, match := range otherMark.FindAllStringSubmatch(piece.text, -1) {
				marks, numbers = append(marks, match[0]), append(numbers, match[1])
			}
		}
	}
	switch {
	case len(marks) == 0:
		p.placeInFront()
	case len(marks) == len(p.listed) && inOrder(numbers):
		p.split(func(r dataset.Role) bool { return r != dataset.System }, marks...)
	default:
		p.fail(dataset.ImageCount, "", fmt.Sprintf(
			"found the mark %s, in all %d such marks, but %d images; write %s in the place "+
				"of each image, in the order of the images", marks[0], len(marks), len(p.listed), dataset.ImageMark))
	}
}

// inOrder reports whether the numbers of marks ascend by one from 0 or 1, or are all "", which means that marks have no
// numbers.
func inOrder(numbers []string) bool {
	if strings.Join(numbers, "") == "" {
		return true
	}
	for i, text := range numbers {
		first, err := strconv.Atoi(numbers[0])
		if n, errNext := strconv.Atoi(text); err != nil || errNext != nil || first > 1 || n != first+i {
			return false
		}
	}
	return true
}

// placeInFront puts every image of the record's field before the first human turn, each on a line of its own.
func (p *parser) placeInFront() {
	for i, turn := range p.turns {
		if turn.role != dataset.Human {
			continue
		}
		var pieces []piece
		for range p.listed {
			pieces = append(pieces, piece{image: unplaced}, piece{text: "\n"})
		}
		p.turns[i].pieces = slices.Concat(pieces, turn.pieces)
		if p.losses != nil && len(p.listed) > 0 {
			p.losses.inFront = i + 1
		}
		return
	}
}

// complete numbers the images in the order of their places, and makes the sample's turns. In a sample with a problem,
// images without a place come last.
func (p *parser) complete() {
	listed := p.listed
	for _, d := range p.turns {
		var segments []dataset.Segment
		for _, piece := range d.pieces {
			switch {
			case piece.image == 0:
				segments = append(segments, dataset.Segment{Text: piece.text})
				continue
			case piece.image > 0:
				p.Images = append(p.Images, p.own[piece.image-1])
			case len(listed) > 0:
				p.Images = append(p.Images, listed[0])
				listed = listed[1:]
			default:
				continue // a problem already reports that there are too few images
			}
			segments = append(segments, dataset.Segment{Image: len(p.Images)})
		}
		p.Turns = append(p.Turns, dataset.JoinTurn(d.role, segments))
	}
	p.Images = append(p.Images, listed...)
}
