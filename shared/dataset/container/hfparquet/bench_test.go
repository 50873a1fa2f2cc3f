package hfparquet

import (
	"context"
	"io"
	"os"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// A disk is a source on disk that counts the bytes read.
type disk struct {
	*os.File
	requests int
	read     int64
}

func (d *disk) Size(context.Context) (int64, error) {
	info, err := d.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (d *disk) Open(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	d.requests++
	d.read += length
	return io.NopCloser(io.NewSectionReader(d.File, offset, length)), nil
}

// report adds the figures of a pass to its time.
func (d *disk) report(b *testing.B) {
	b.ReportMetric(float64(d.requests)/float64(b.N), "requests/op")
	b.ReportMetric(float64(d.read)/1e6/float64(b.N), "MB-read/op")
}

// BenchmarkFile reads the file that HARVEST_BENCH_PARQUET names: its footer, the records, all images in order, and a
// subset of every third row.
func BenchmarkFile(b *testing.B) {
	path := os.Getenv("HARVEST_BENCH_PARQUET")
	if path == "" {
		b.Skip("not measured: HARVEST_BENCH_PARQUET names no file")
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	ctx := context.Background()
	var records []dataset.Record
	layout, err := reader{}.Scan(ctx, &disk{File: file}, dataset.Scan{}, 64<<20, 1)
	if err != nil {
		b.Fatal(err)
	}
	passes := map[string]func(d *disk) error{
		"plan": func(d *disk) error {
			_, err := reader{}.Scan(ctx, d, dataset.Scan{}, 64<<20, 1)
			return err
		},
		"records": func(d *disk) error {
			records, err = recordsFrom(ctx, d, layout.Layout)
			return err
		},
		"images": func(d *disk) error {
			values := reader{}.Values(d)
			for _, record := range records {
				if _, _, err := values.Size(ctx, record, 0); err != nil {
					return err
				}
			}
			return values.Close()
		},
		"subset": func(d *disk) error {
			var third []dataset.Record
			for i := 0; i < len(records); i += 3 {
				third = append(third, records[i])
			}
			_, err := writer{}.Part(ctx, io.Discard, d, third, dataset.Part{First: true})
			return err
		},
	}
	for _, name := range []string{"plan", "records", "images", "subset"} {
		b.Run(name, func(b *testing.B) {
			d := &disk{File: file}
			for b.Loop() {
				if err := passes[name](d); err != nil {
					b.Fatal(err)
				}
			}
			d.report(b)
		})
	}
}

// recordsFrom returns the records of a file, without their JSON.
func recordsFrom(ctx context.Context, d *disk, layout dataset.Layout) ([]dataset.Record, error) {
	var records []dataset.Record
	for _, span := range layout.Ranges {
		for record, err := range (reader{}).Records(ctx, d, span, "a.parquet", dataset.Limits{MaxRecordBytes: 1 << 20}) {
			if err != nil {
				return nil, err
			}
			record.Raw = nil
			records = append(records, record)
		}
	}
	return records, nil
}
