package cost_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/markdown"
)

// Figures that were measured on one machine, and defaults of Terraform.
const (
	ingestRate  = 8000.0 // samples a second on one core: infra/harvest/README.md
	recordBytes = 1000.0 // assumed
	rangeBytes  = 16 << 20
	cutRequests = 35.0     // requests for a range: shared/run/README.md
	rateRequest = 24.0     // requests for a shard, without requests for images: the same page
	partRequest = 9.0      // requests for a part of a selection: the same page
	selectCPU   = 3.1e-6   // seconds a sample: shared/subset/README.md, 10 M
	partCPU     = 7.5e-6   // the same page, 1 M
	selectBytes = 147.0    // bytes for each sample, the same page
	idleMB      = 60.0     // MB of a process, including parts and tables
	instances   = 20.0     // instances of score
	ingesters   = 10.0     // instances of ingest
	gpus        = 2.0      // instances of score-gpu
	chains      = 16.0     // parts that are written concurrently
	runMemory   = 32 << 30 // bytes: Cloud Run's maximum
)

// stages computes the figures of a run of n samples with one image each.
type stages struct{ n float64 }

func (s stages) ranges() float64 { return math.Ceil(s.n * recordBytes / rangeBytes) }
func (s stages) shards() float64 { return s.n / shardSamples }

// memory returns the bytes of memory that curate needs for a selection.
func (s stages) memory() float64 { return idleMB*1e6 + s.n*selectBytes }

func duration(seconds float64) string {
	switch {
	case seconds < 90:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 5400:
		return fmt.Sprintf("%.0f min", seconds/60)
	case seconds < 2*86400:
		return fmt.Sprintf("%.0f h", seconds/3600)
	}
	return fmt.Sprintf("%.0f days", seconds/86400)
}

func count(n float64) string {
	switch {
	case n < 1e4:
		return thousands(n)
	case n < 1e6:
		return fmt.Sprintf("%.0f k", n/1e3)
	case n < 1e7:
		return fmt.Sprintf("%.1f M", n/1e6)
	}
	return fmt.Sprintf("%.0f M", n/1e6)
}

func dollars(d float64) string {
	if d < 10 {
		return fmt.Sprintf("$%.2f", d)
	}
	return "$" + thousands(d)
}

func bytes(n float64) string {
	switch {
	case n < 1e9:
		return fmt.Sprintf("%.0f MB", n/1e6)
	case n < 1e11:
		return fmt.Sprintf("%.1f GB", n/1e9)
	}
	return thousands(n/1e9) + " GB"
}

// rows returns the rows of the table: a name and its values.
func (s stages) rows() [][2]string {
	embedded := s.n / (embeddedRate / imageWait)
	requests := s.shards()*rateRequest + s.n*imageReads
	read := s.n*imageReads*classB + s.shards()*(shardObjects*classA+(rateRequest-shardObjects)*classB)
	parts := s.n * partCPU // CPU seconds; two instances have four vCPU, and write eight parts each concurrently
	return [][2]string{
		{"plan and cut: time on 10 instances", duration(s.n / ingestRate / ingesters)},
		{"requests; dollars", count(s.ranges()*cutRequests) + "; " + dollars(
			s.n/ingestRate*(requestVCPU+requestGiB)+s.ranges()*cutRequests*classA)},
		{"memory of ingest", "1 GiB at any size"},
		{"rate, embedded: time on 20 instances", duration(embedded / instances)},
		{"requests; dollars", count(requests) + "; " + dollars(embedded*2*(requestVCPU+requestGiB)+read)},
		{"rate, gpu: time on 2 RTX PRO 6000", duration(rtx.gpuHours(s.n) * 3600 / gpus)},
		{"requests; dollars", count(requests) + "; " + dollars(rtx.gpuHours(s.n)*rtx.hour()+read)},
		{"memory of score", "2 GiB at any size"},
		{"select: CPU time; the answer takes as long", duration(s.n * selectCPU)},
		{"memory of curate", bytes(s.memory())},
		{"write the parts: time, 16 at a time on two instances of curate", duration(parts / 4)},
		{"requests; dollars", count(s.ranges()*partRequest) + "; " + dollars(
			(parts+s.n*selectCPU)*(2*requestVCPU+4*requestGiB)+s.ranges()*partRequest*classA)},
		{"storage of images of 50 kB, a month", bytes(s.n*imageKB*1e3) + "; " + dollars(s.n*imageKB/1e6*storageGB)},
	}
}

// TestScale computes the table of the page.
func TestScale(t *testing.T) {
	t.Parallel()
	sizes := []stages{{2.6e6}, {26e6}, {260e6}}
	var out strings.Builder
	out.WriteString("| | 2.6 M | 26 M | 260 M |\n| --- | --- | --- | --- |\n")
	for i, first := range sizes[0].rows() {
		fmt.Fprintf(&out, "| %s |", first[0])
		for _, s := range sizes {
			fmt.Fprintf(&out, " %s |", s.rows()[i][1])
		}
		out.WriteString("\n")
	}
	markdown.CheckGenerated(t, "README.md", "scale", out.String(), *update)
	// The page states the largest selection of one service.
	if most := (runMemory*0.9 - idleMB*1e6) / selectBytes; math.Round(most/1e6) != 210 {
		t.Errorf("32 GiB hold a selection of %s samples, and the page says 210 million", count(most))
	}
}
