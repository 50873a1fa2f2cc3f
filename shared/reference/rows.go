package reference

import (
	"fmt"
	"slices"
	"strings"
)

// rows finds the row of an idx, which is its position in the manifest. Either all idx are numbers, or all are texts,
// because a mix of numbers and texts has no order for breaking ties.
type rows struct {
	numbers []int64
	texts   []string
	// byNumber is nil if the numbers count up by one. byText is nil if the idx are numbers.
	byNumber map[int64]uint32
	byText   map[string]uint32
}

// add appends the idx of the next row.
func (r *rows) add(id idx) error {
	if r.len() > 0 && id.isText != (r.texts != nil) {
		return fmt.Errorf("the idx is %s, but earlier idx are %s: use only numbers or only texts",
			id, r.at(0).kind())
	}
	if id.isText {
		r.texts = append(r.texts, id.text)
	} else {
		r.numbers = append(r.numbers, id.number)
	}
	return nil
}

// link prepares find, after all rows were added. It returns an error if two rows have the same idx.
func (r *rows) link() error {
	twice := -1
	if r.texts != nil {
		r.byText, twice = positions(r.texts)
	} else if !countUp(r.numbers) {
		r.byNumber, twice = positions(r.numbers)
	}
	if twice >= 0 {
		return fmt.Errorf("item %d has the same idx %s as an earlier item: number the items again and score them again",
			twice+1, r.at(twice))
	}
	return nil
}

// countUp reports whether each number is the previous number plus one.
func countUp(numbers []int64) bool {
	for i, v := range numbers {
		if uint64(v)-uint64(numbers[0]) != uint64(i) {
			return false
		}
	}
	return true
}

// positions maps the values to their positions. twice is the first position whose value is also at an earlier position;
// -1 if there is none.
func positions[V comparable](values []V) (at map[V]uint32, twice int) {
	at = make(map[V]uint32, len(values))
	for i, v := range values {
		if _, known := at[v]; known {
			return at, i
		}
		at[v] = uint32(i)
	}
	return at, -1
}

func (r *rows) len() int { return len(r.numbers) + len(r.texts) }

// at returns the idx of a row.
func (r *rows) at(row int) idx {
	if r.texts != nil {
		return idx{text: r.texts[row], isText: true}
	}
	return idx{number: r.numbers[row]}
}

// order returns a number for each row, in the order of the idx. It is the idx itself or, for texts, the position of the
// text among all texts. Texts are sorted by their code points, as in Python.
func (r *rows) order() []int64 {
	if r.texts == nil {
		return r.numbers
	}
	ascending := make([]uint32, len(r.texts))
	for row := range ascending {
		ascending[row] = uint32(row)
	}
	slices.SortFunc(ascending, func(a, b uint32) int { return strings.Compare(r.texts[a], r.texts[b]) })
	order := make([]int64, len(r.texts))
	for place, row := range ascending {
		order[row] = int64(place)
	}
	return order
}

// find returns the row of an idx. It tries the row guess first, because score files mostly have the manifest's order.
func (r *rows) find(id idx, guess uint32) (row uint32, ok bool) {
	if id.isText {
		if uint64(guess) < uint64(len(r.texts)) && r.texts[guess] == id.text {
			return guess, true
		}
		row, ok = r.byText[id.text]
		return row, ok
	}
	if uint64(guess) < uint64(len(r.numbers)) && r.numbers[guess] == id.number {
		return guess, true
	}
	if r.byNumber != nil {
		row, ok = r.byNumber[id.number]
		return row, ok
	}
	if len(r.numbers) == 0 {
		return 0, false
	}
	distance := uint64(id.number) - uint64(r.numbers[0])
	return uint32(distance), distance < uint64(len(r.numbers))
}

// unknown returns the error of an idx without a row.
func (r *rows) unknown(id idx) error {
	if r.len() > 0 && id.isText != (r.texts != nil) {
		return fmt.Errorf("idx %s is not in the manifest, whose idx are %s: write it as in the manifest",
			id, r.at(0).kind())
	}
	return fmt.Errorf("idx %s is not in the manifest: give the manifest that was scored, or remove the line", id)
}
