package scores

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

// A leaderRow is the row of one sample in a file of clusters. Rows are in the order of the dataset.
type leaderRow struct {
	Leader int64 `parquet:"leader,delta"` // index of the first sample of the cluster, which may be the sample itself
}

func leaderSchema() *parquet.Schema {
	return parquet.NewSchema("clusters", parquet.SchemaOf(leaderRow{}))
}

// WriteLeaders writes a whole file of clusters: for each sample of a dataset, in its order, the index of its cluster's
// leader.
func WriteLeaders(w io.Writer, leaders []uint32) error {
	file := parquet.NewGenericWriter[leaderRow](w, writerOptions(leaderSchema())...)
	return writeRows(file, "clusters", len(leaders), func(i int) leaderRow { return leaderRow{int64(leaders[i])} })
}

// ReadLeaders reads a whole file of clusters. It returns an error if the file is incomplete, is damaged, has another
// layout, or is not a file of clusters.
func ReadLeaders(r io.ReaderAt, size int64) (leaders []uint32, err error) {
	defer recoverBad("reading clusters", &err)
	p, err := openParquet(r, size)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(p, leaderSchema()); err != nil {
		return nil, err
	}
	leaders, err = indexes.column(&file{File: p, rows: int(p.NumRows())}, "leader", 0)
	if err != nil {
		return nil, err
	}
	for i, leader := range leaders {
		if int(leader) > i || leaders[leader] != leader {
			return nil, fmt.Errorf("row %d: sample %d is not the leader of a cluster", i, leader)
		}
	}
	return leaders, nil
}

var indexes = columnType[int64, uint32]{func(v encoding.Values) []int64 { return v.Int64() }, toIndex}

func toIndex(i int64) (uint32, error) {
	if int64(uint32(i)) != i {
		return 0, fmt.Errorf("%d is not the index of a sample", i)
	}
	return uint32(i), nil
}
