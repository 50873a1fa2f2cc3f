package scores_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/scores"
)

// numbered returns records at the positions from a to b.
func numbered(a, b int) (records []scores.Record) {
	for i := a; i <= b; i++ {
		r := small()[0]
		r.ID, r.Content, r.Position = strings.Repeat("x", i+1), strings.Repeat("c0", i+1), i
		r.Ratings, r.Expected = slices.Clone(r.Ratings), slices.Clone(r.Expected)
		records = append(records, r)
	}
	return records
}

// TestWithoutRepeated removes rows that repeat rows of an earlier file, and keeps all others byte for byte.
func TestWithoutRepeated(t *testing.T) {
	t.Parallel()
	capabilities := []string{"ocr", "art"}
	first, second := write(t, capabilities, numbered(0, 3)), write(t, capabilities, numbered(2, 5))
	other := numbered(0, 1) // the samples of another dataset at the same places
	other[0].Content, other[1].ID = "c1", "y"
	kept, repeated, err := scores.WithoutRepeated([]string{"a", "b", "c", "d"}, [][]byte{
		first, second, write(t, capabilities, numbered(1, 2)), write(t, capabilities, other),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []scores.Repetition{{File: "b", Count: 2, ID: "xxx"}, {File: "c", Count: 2, ID: "xx"}}
	if diff := cmp.Diff(want, repeated); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	wants := [][]scores.Record{numbered(0, 3), numbered(4, 5), other}
	if len(kept) != len(wants) {
		t.Fatalf("%d files, want %d", len(kept), len(wants))
	}
	for i, want := range wants {
		compare(t, want, read(t, kept[i]).Records)
	}
	kept, repeated, err = scores.WithoutRepeated([]string{"a", "b"}, [][]byte{
		first, write(t, capabilities, numbered(4, 9)),
	})
	if err != nil || len(kept) != 2 || repeated != nil {
		t.Errorf("different files: %d, %v (%v)", len(kept), repeated, err)
	}
}

// TestOneFile removes a row that repeats a row of the same file.
func TestOneFile(t *testing.T) {
	t.Parallel()
	capabilities := []string{"ocr", "art"}
	moved := numbered(1, 1)
	moved[0].Position = 5 // a dataset may have a sample twice
	file := write(t, capabilities, append(append(numbered(0, 2), numbered(1, 1)...), moved...))
	kept, repeated, err := scores.WithoutRepeated([]string{"a"}, [][]byte{file})
	if err != nil || len(kept) != 1 {
		t.Fatalf("%d files, %v", len(kept), err)
	}
	if diff := cmp.Diff([]scores.Repetition{{File: "a", Count: 1, ID: "xx"}}, repeated); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	compare(t, append(numbered(0, 2), moved...), read(t, kept[0]).Records)
}

// TestMoved reports samples that another file has at another place, as in the files of two runs that share samples.
func TestMoved(t *testing.T) {
	t.Parallel()
	capabilities := []string{"ocr", "art"}
	moved := numbered(1, 4)
	for i := range moved {
		moved[i].Position -= 1
	}
	files := [][]byte{write(t, capabilities, numbered(0, 2)), write(t, capabilities, moved)}
	kept, repeated, err := scores.WithoutRepeated([]string{"a", "b"}, files)
	if err != nil || len(kept) != 2 {
		t.Fatalf("%d files, %v", len(kept), err)
	}
	if diff := cmp.Diff([]scores.Repetition{{File: "b", Count: 2, ID: "xx", Moved: true}}, repeated); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	compare(t, moved, read(t, kept[1]).Records)
}

// TestWithoutRepeatedRefuses names the difference between two rows of a sample.
func TestWithoutRepeatedRefuses(t *testing.T) {
	t.Parallel()
	capabilities := []string{"ocr", "art"}
	for want, change := range map[string]func(r *scores.Record){
		"rating of art: 0 and 2": func(r *scores.Record) { r.Ratings[1], r.Expected[1] = 2, 2 },
		"expected score of ocr":  func(r *scores.Record) { r.Expected[0] = 4.5 },
		`styles ["yes/no" "word`: func(r *scores.Record) { r.Styles = []string{"yes/no"} },
		`b and c: the sample "xxx" has different scores in the two files (rating of ocr: 5 and 1)`: func(r *scores.Record) {
			r.Ratings[0], r.Expected[0] = 1, 1
		},
	} {
		records := numbered(1, 3)
		change(&records[1])
		_, _, err := scores.WithoutRepeated([]string{"a", "b", "c"}, [][]byte{
			write(t, capabilities, numbered(8, 9)), write(t, capabilities, numbered(0, 2)), write(t, capabilities, records),
		})
		two, ok := errors.AsType[*scores.RepeatedError](err)
		if !ok || two.ID != "xxx" || two.First != "b" || two.Second != "c" || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	twice := append(numbered(0, 1), numbered(1, 1)...)
	twice[2].Ratings[0], twice[2].Expected[0] = 1, 1
	_, _, err := scores.WithoutRepeated([]string{"a", "b"}, [][]byte{
		write(t, capabilities, numbered(2, 3)), write(t, capabilities, twice),
	})
	if err == nil || !strings.Contains(err.Error(), `b: the sample "xx" has two rows with different scores`) {
		t.Errorf("in one file: %v", err)
	}
	whole := write(t, capabilities, numbered(0, 3))
	if _, _, err := scores.WithoutRepeated([]string{"a", "b"}, [][]byte{whole, whole[:len(whole)/2]}); err == nil ||
		!strings.Contains(err.Error(), "b: ") || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("a file that is cut short: %v", err)
	}
}

// TestWithoutFailed keeps the scores of a sample that failed in an earlier and in a later file. A sample that failed in
// all files counts once.
func TestWithoutFailed(t *testing.T) {
	t.Parallel()
	capabilities := []string{"ocr", "art"}
	early, whole, late := numbered(0, 2), numbered(0, 3), numbered(1, 3)
	early[1], whole[3] = failedLike(early[1]), failedLike(whole[3])
	late[0], late[2] = failedLike(late[0]), failedLike(late[2])
	kept, repeated, err := scores.WithoutRepeated([]string{"a", "b", "c"}, [][]byte{
		write(t, capabilities, early), write(t, capabilities, whole), write(t, capabilities, late),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []scores.Repetition{
		{File: "a", Count: 1, ID: "xx"}, {File: "b", Count: 2, ID: "x"}, {File: "c", Count: 3, ID: "xx"},
	}
	if diff := cmp.Diff(want, repeated); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
	wants := [][]scores.Record{{early[0], early[2]}, {whole[1], whole[3]}}
	if len(kept) != len(wants) {
		t.Fatalf("%d files, want %d", len(kept), len(wants))
	}
	for i, want := range wants {
		compare(t, want, read(t, kept[i]).Records)
	}
}

// failedLike returns a failed record of the same sample, whose image was not found.
func failedLike(r scores.Record) scores.Record {
	failed := scores.Record{
		ID: r.ID, Range: r.Range, Position: r.Position, Content: "of the text alone", Source: r.Source, Words: r.Words,
		Status: scores.Failed,
	}
	failed.Code, failed.Reason = "image_not_found", "image not found"
	return failed
}
