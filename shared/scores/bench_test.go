package scores_test

import (
	"bytes"
	"testing"

	"github.com/harvest-ml/harvest/shared/scores"
)

func BenchmarkWrite(b *testing.B) {
	records := many(200_000, 14)
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := scores.Write(&out, names(14), records); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, len(records))
	b.ReportMetric(float64(out.Len())/float64(len(records)), "B/row")
}

func BenchmarkRead(b *testing.B) {
	file := write(b, names(14), many(200_000, 14))
	for b.Loop() {
		read(b, file)
	}
	perRow(b, 200_000)
}

func BenchmarkReadColumns(b *testing.B) {
	file := write(b, names(14), many(200_000, 14))
	for b.Loop() {
		if _, err := scores.ReadColumns(bytes.NewReader(file), int64(len(file)), scores.ColumnRequest{}); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, 200_000)
}

func perRow(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
