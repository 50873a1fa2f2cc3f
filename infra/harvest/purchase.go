package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/harvest-ml/harvest/shared/scorer"
	"github.com/harvest-ml/harvest/shared/scorer/gpu"
	"github.com/harvest-ml/harvest/shared/scorer/kinds"
	"github.com/jedib0t/go-pretty/v6/table"
)

// A purchase is the expected cost of annotations by a scorer, and the data that are sent to the scorer.
type purchase struct {
	Scorer  string `json:"scorer"` // id of the scorer
	Samples int    `json:"samples"`
	Twice   int    `json:"twice"` // samples that are rated twice
	// InputTokens and OutputTokens are only set for the scorer llm, Dollars only if the price is known, and Seconds only
	// if the scorer estimates them.
	InputTokens  int64    `json:"input_tokens,omitempty"`
	OutputTokens int64    `json:"output_tokens,omitempty"`
	CachedTokens int64    `json:"cached_tokens,omitempty"` // cached part of InputTokens
	Dollars      *float64 `json:"dollars"`
	Limit        float64  `json:"spending_limit,omitempty"` // US dollars; 0 if there is no limit
	Seconds      float64  `json:"seconds,omitempty"`
	LimitedBy    string   `json:"limited_by,omitempty"`
	// Host is the host that gets the images; it is empty if no data leave this process. Images is the number of these
	// images, and ImageBytes is their stored size.
	Host       string `json:"host"`
	Images     int64  `json:"images"`
	ImageBytes int64  `json:"image_bytes"`
}

// purchase estimates the time and cost of rating the chosen samples. Some samples are rated twice. It reads the images
// of the samples.
func (s *sampleRun) purchase(
	ctx context.Context, in input, chosen []datasetSample, twice int,
) (*purchase, error) {
	p := &purchase{Scorer: s.ScorerID, Samples: len(chosen), Twice: twice, Host: hostsOf(s.Scorer, s.input.Scorers)}
	fetcher, err := in.openImages(ctx, s.Options.Images, s.limits.Compressed)
	if err != nil {
		return nil, err
	}
	defer fetcher.Close()
	load := scorer.Load{}
	for i, one := range chosen {
		times := int64(1)
		if asked(i, len(chosen), twice) {
			times = 2
		}
		images, bytes, err := s.sizeOf(ctx, fetcher, one)
		if err != nil {
			return nil, err
		}
		p.Images, p.ImageBytes = p.Images+times*images, p.ImageBytes+times*bytes
		load.Samples, load.Images = load.Samples+times, load.Images+times*images
		for _, text := range one.sample.Texts() {
			load.TextBytes += times * int64(len(text))
		}
	}
	opened, err := s.scorers.Open(ctx, s.ScorerKind(), s.Rubric)
	if err != nil {
		return nil, err
	}
	if paid, ok := opened.(scorer.Paid); ok {
		e := paid.Estimate(load)
		p.InputTokens, p.OutputTokens, p.Dollars, p.Limit = e.InputTokens, e.OutputTokens, e.Dollars, e.SpendingLimit
		p.CachedTokens = e.CachedTokens
		p.Seconds, p.LimitedBy = e.Seconds, e.LimitedBy
	} else if perMillion, known := s.limits.CostPerMillion[s.Scorer]; known {
		dollars := perMillion * float64(load.Samples) / 1e6
		p.Dollars = &dollars
	}
	return p, nil
}

// sizeOf returns the number of a sample's images that a scorer gets, and their size in bytes. Both are 0 if the sample
// cannot be rated.
func (s *sampleRun) sizeOf(
	ctx context.Context, from *datasetImages, one datasetSample,
) (images, bytes int64, err error) {
	hold := s.memory.NewHold(1)
	defer hold.Release()
	fetched, fault, err := from.Fetch(ctx, one.manifest, one.sample, hold)
	if fault != nil || err != nil {
		return 0, 0, err
	}
	for _, data := range (scorer.Item{Sample: one.sample, Images: fetched.Images}).RatedImages() {
		images, bytes = images+1, bytes+int64(len(data))
	}
	return images, bytes, nil
}

// hostsOf returns the hosts that get the images of samples; empty for a scorer inside this process.
func hostsOf(kind string, at kinds.Config) string {
	var addresses []string
	switch kind {
	case kinds.LLM:
		addresses = []string{at.LLM.URL}
	case kinds.GPU:
		if a, err := gpu.ParseAddress(at.GPU); err == nil {
			addresses = slices.Concat(a.Scorer, a.Styler)
		}
	}
	var hosts []string
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil && !slices.Contains(hosts, u.Host) {
			hosts = append(hosts, u.Host)
		}
	}
	return strings.Join(hosts, " and ")
}

// print prints the estimate.
func (p *purchase) print(w io.Writer) error {
	t := newNarrowTable([]int{26, 48}, "estimate", p.Scorer)
	row := func(name string, value any) { t.AppendRow(table.Row{name, value}) }
	samples := separated(p.Samples)
	if p.Twice > 0 {
		samples += fmt.Sprintf(", %d of them twice", p.Twice)
	}
	row("samples", samples)
	if p.InputTokens > 0 {
		row("tokens", tokens(p.InputTokens, p.CachedTokens, p.OutputTokens))
	}
	row("cost", p.cost())
	if p.Seconds > 0 {
		row("minutes", fmt.Sprintf("%.0f, limited by %s", math.Ceil(p.Seconds/time.Minute.Seconds()), p.LimitedBy))
	} else {
		row("minutes", "known once the first samples are rated")
	}
	if p.Host != "" {
		row("sent to "+p.Host, fmt.Sprintf("%s, %s as they are stored", number(int(p.Images), "image"),
			humanize.Bytes(uint64(p.ImageBytes))))
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}

// tokens returns counts of tokens, as text.
func tokens(input, cached, output int64) string {
	if cached == 0 {
		return fmt.Sprintf("%s in, %s out", separated(input), separated(output))
	}
	return fmt.Sprintf("%s in (%s of them cached), %s out", separated(input), separated(cached), separated(output))
}

// cost returns the expected cost, as text.
func (p *purchase) cost() string {
	cost := "not known: give a price in COST_PER_MILLION"
	if p.InputTokens > 0 {
		cost = "not known: give a price in LLM_PRICES"
	}
	if p.Dollars != nil {
		cost = fmt.Sprintf("$%.2f", *p.Dollars)
	}
	if p.Limit > 0 {
		cost += fmt.Sprintf(", limit $%.2f", p.Limit)
	}
	return cost
}
