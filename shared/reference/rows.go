package reference

import (
	"fmt"
	"slices"
	"strings"
)

// rows finds the row, the position in the manifest, of an idx. Either all idx are numbers or all are texts: numbers and
// texts have no common order by which to decide a tie.
type rows struct {
	numbers []int64
	texts   []string
	// byNumber is nil if the numbers count up by one, byText if the idx are numbers.
	byNumber map[int64]uint32
	byText   map[string]uint32
}

// add appends the idx of the next row.
func (r *rows) add(id idx) error {
	if r.len() > 0 && id.isText != (r.texts != nil) {
		return fmt.Errorf("idx %s, but the idx of the items before it are %s: give all items numbers or all of them texts",
			id, r.at(0).kind())
	}
	if id.isText {
		r.texts = append(r.texts, id.text)
	} else {
		r.numbers = append(r.numbers, id.number)
	}
	return nil
}

// link makes find work, after all rows were added. It fails if two rows have one idx.
func (r *rows) link() error {
	twice := -1
	if r.texts != nil {
		r.byText, twice = positions(r.texts)
	} else if !countUp(r.numbers) {
		r.byNumber, twice = positions(r.numbers)
	}
	if twice >= 0 {
		return fmt.Errorf("item %d has the idx %s of an item before it: number the items again and score them again",
			twice+1, r.at(twice))
	}
	return nil
}

// countUp says whether each number is the one before it plus one.
func countUp(numbers []int64) bool {
	for i, v := range numbers {
		if uint64(v)-uint64(numbers[0]) != uint64(i) {
			return false
		}
	}
	return true
}

// positions are the positions of the values; twice is the first that another has before it, or -1.
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

// at is the idx of a row.
func (r *rows) at(row int) idx {
	if r.texts != nil {
		return idx{text: r.texts[row], isText: true}
	}
	return idx{number: r.numbers[row]}
}

// order holds a number for each row, lower for a lower idx: the idx itself, or the place of a text
// among all texts in ascending order of their code points, which is Python's order of texts.
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

// find tries the guessed row first, because score files mostly have the manifest's order.
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

// unknown is the error of an idx that has no row.
func (r *rows) unknown(id idx) error {
	if r.len() > 0 && id.isText != (r.texts != nil) {
		return fmt.Errorf("idx %s is not in the manifest, whose idx are %s: write it as the manifest does",
			id, r.at(0).kind())
	}
	return fmt.Errorf("idx %s is not in the manifest: give the manifest that was scored, or remove the line", id)
}
