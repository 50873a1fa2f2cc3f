package scores

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// A Pick is one sample of a selection, with the rule that picked it.
type Pick struct {
	Order      int    `parquet:"order,delta"` // from 0, in the order of picking
	ID         string `parquet:"id"`
	Range      int    `parquet:"range_index,delta"` // see Record
	Position   int    `parquet:"position,delta"`    // see Record
	Index      int64  `parquet:"index,delta"`       // index of the sample in the whole dataset, from 0
	Source     string `parquet:"source,dict"`
	Capability string `parquet:"capability,dict"` // empty unless the rule is turn or bin
	Bin        string `parquet:"bin,dict"`        // style and source; empty unless the rule is turn or bin
	Style      string `parquet:"style,dict"`      // the style of the bin
	Round      int    `parquet:"round,delta"`     // from 1; 0 if the rule is not turn
	Rank       int    `parquet:"rank,delta"`      // place among the bin's candidates, from 1
	Rating     *int8  `parquet:"rating,dict"`     // rating for the capability; nil without a capability
	// the rule that picked the sample: turn, include, minimum, strategy or bin
	Rule string `parquet:"rule,dict"`
}

func pickSchema() *parquet.Schema {
	return parquet.NewSchema("picks", parquet.SchemaOf(Pick{}))
}

// WritePicks writes a whole file of n picks.
func WritePicks(w io.Writer, n int, pick func(i int) Pick) error {
	return writeRows(parquet.NewGenericWriter[Pick](w, writerOptions(pickSchema())...), "picks", n, pick)
}

// EachPick calls use for each pick of a file, in order, and keeps only a few picks in memory. It returns an error if
// the file is incomplete, is damaged, has another layout, or is not a file of picks.
func EachPick(r io.ReaderAt, size int64, use func(Pick)) (err error) {
	defer recoverBad("reading picks", &err)
	f, err := openParquet(r, size)
	if err != nil {
		return err
	}
	if err := checkSchema(f, pickSchema()); err != nil {
		return err
	}
	reader := parquet.NewGenericReader[Pick](f)
	defer reader.Close()
	batch := make([]Pick, batchRows)
	for read := int64(0); read < f.NumRows(); {
		clear(batch)
		n, err := reader.Read(batch)
		for i := range n {
			use(batch[i])
		}
		read += int64(n)
		if n == 0 && err == nil {
			err = io.ErrNoProgress
		}
		if err != nil && read < f.NumRows() {
			return fmt.Errorf("pick %d of %d: %w", read+1, f.NumRows(), err)
		}
	}
	return nil
}

// ReadPicks reads a whole file of picks. Its errors are those of EachPick.
func ReadPicks(r io.ReaderAt, size int64) ([]Pick, error) {
	picks := []Pick{}
	if err := EachPick(r, size, func(p Pick) { picks = append(picks, p) }); err != nil {
		return nil, err
	}
	return picks, nil
}
