package main

import (
	"cmp"
	"context"
	"io"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/hfparquet/table"
	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// A parquetSubset writes records as rows of a Parquet file, with their images in the column images.
type parquetSubset struct{ rows *table.Writer }

// newParquetSubset reads the stored subset to find the columns of its records, and begins the file.
func (f outputFolder) newParquetSubset(ctx context.Context, w io.Writer, stored string) (*parquetSubset, error) {
	columns := table.NewColumns(forms.ImagesField)
	err := f.convertRecords(ctx, stored, func(s *dataset.Sample) ([]string, error) {
		return numbers(len(s.Images)), nil
	}, func(record []byte, _ *dataset.Sample) error { return columns.Add(record) })
	if err != nil {
		return nil, err
	}
	rows, err := columns.NewWriter(w)
	return &parquetSubset{rows}, err
}

// name returns the images' numbers as names, because the column holds the images themselves.
func (p *parquetSubset) name(_ *dataset.Sample, shown [][]byte) ([]string, error) {
	return numbers(len(shown)), nil
}

func numbers(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i + 1)
	}
	return names
}

// write adds a row. The path of an image is its original name.
func (p *parquetSubset) write(record []byte, s *dataset.Sample, shown [][]byte) error {
	column := make([]table.Image, len(shown))
	for i, data := range shown {
		column[i] = table.Image{Bytes: data, Path: cmp.Or(s.Images[i].Name, s.Images[i].Path)}
	}
	return p.rows.Write(record, column)
}

func (p *parquetSubset) close() error { return p.rows.Close() }
