package review

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// MinCapability is the smallest number of judged pairs for which a capability has its own figures.
const MinCapability = 10

// A Count counts which sides of pairs were preferred, and has the share of A.
type Count struct {
	Judged int `json:"judged"`
	// A and Other count the pairs in which the sample of A, or the other sample, was preferred. Ties counts the other
	// pairs.
	A     int `json:"a"`
	Other int `json:"other"`
	Ties  int `json:"ties"`
	// WinRate is the share of pairs that A won, in [0, 1]; a tie counts as half. Low and High are the ends of its 95 %
	// Wilson interval (Wilson 1927, JASA 22).
	WinRate float64 `json:"win_rate"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

// A CapabilityCount is the Count of the pairs of a capability.
type CapabilityCount struct {
	Capability string `json:"capability"`
	Count
}

// A ReviewerCount is the Count of a reviewer.
type ReviewerCount struct {
	Reviewer string `json:"reviewer"`
	Count
}

// An Agreement compares two reviewers on the pairs that both judged.
type Agreement struct {
	First  string `json:"first"`
	Second string `json:"second"`
	Pairs  int    `json:"pairs"`
	Equal  int    `json:"equal"`
	// Kappa is Cohen's kappa over A, other and tie (Cohen 1960, Educational and Psychological Measurement 20); nil if both
	// always make the same choice.
	Kappa *float64 `json:"kappa"`
}

// A Report summarises the verdicts of a review.
type Report struct {
	Request Request `json:"request"`
	// All counts each pair once: for the sample that more reviewers prefer, or else as a tie.
	All          Count             `json:"all"`
	Capabilities []CapabilityCount `json:"capabilities"` // capabilities with MinCapability pairs or more
	Reviewers    []ReviewerCount   `json:"reviewers"`
	Agreements   []Agreement       `json:"agreements"`
}

// score returns 1 for A, -1 for the other sample, and 0 for a tie.
func (v Verdict) score() int {
	switch v.Choice {
	case Tie:
		return 0
	case v.Side:
		return 1
	default:
		return -1
	}
}

// Summarize summarises verdicts of one request. If a reviewer judged a pair several times, the first verdict counts.
func Summarize(verdicts []Verdict) Report {
	byReviewer := map[string]map[int]int{}
	sum, capability := map[int]int{}, map[int]string{}
	report := Report{Capabilities: []CapabilityCount{}, Reviewers: []ReviewerCount{}, Agreements: []Agreement{}}
	for _, v := range verdicts {
		report.Request = v.Request
		if byReviewer[v.Reviewer] == nil {
			byReviewer[v.Reviewer] = map[int]int{}
		}
		if _, again := byReviewer[v.Reviewer][v.Number]; again {
			continue
		}
		byReviewer[v.Reviewer][v.Number] = v.score()
		sum[v.Number] += v.score()
		capability[v.Number] = v.Capability
	}
	byCapability := map[string]map[int]int{}
	for number, score := range sum {
		name := capability[number]
		if byCapability[name] == nil {
			byCapability[name] = map[int]int{}
		}
		byCapability[name][number] = score
	}
	report.All = count(sum)
	for _, name := range slices.Sorted(maps.Keys(byCapability)) {
		if c := count(byCapability[name]); name != "" && c.Judged >= MinCapability {
			report.Capabilities = append(report.Capabilities, CapabilityCount{name, c})
		}
	}
	names := slices.Sorted(maps.Keys(byReviewer))
	for i, first := range names {
		report.Reviewers = append(report.Reviewers, ReviewerCount{first, count(byReviewer[first])})
		for _, second := range names[i+1:] {
			if a := agreement(byReviewer[first], byReviewer[second]); a.Pairs > 0 {
				a.First, a.Second = first, second
				report.Agreements = append(report.Agreements, a)
			}
		}
	}
	return report
}

// count counts pairs by their scores.
func count(scores map[int]int) (c Count) {
	for _, score := range scores {
		switch {
		case score > 0:
			c.A++
		case score < 0:
			c.Other++
		default:
			c.Ties++
		}
	}
	c.Judged = len(scores)
	if c.Judged > 0 {
		c.WinRate = (float64(c.A) + float64(c.Ties)/2) / float64(c.Judged)
		c.Low, c.High = Wilson(c.WinRate, c.Judged)
	}
	return c
}

// z is the 97.5 % quantile of the normal distribution.
const z = 1.959963984540054

// Wilson returns the 95 % score interval of a share of n trials, from 0 to 1.
func Wilson(share float64, n int) (low, high float64) {
	size := float64(n)
	centre := share + z*z/(2*size)
	margin := z * math.Sqrt(share*(1-share)/size+z*z/(4*size*size))
	return max(0, (centre-margin)/(1+z*z/size)), min(1, (centre+margin)/(1+z*z/size))
}

// agreement compares the scores of two reviewers.
func agreement(first, second map[int]int) (a Agreement) {
	var rows, columns [3]float64
	for number, score := range first {
		other, both := second[number]
		if !both {
			continue
		}
		a.Pairs++
		if score == other {
			a.Equal++
		}
		rows[cmp.Compare(score, 0)+1]++
		columns[cmp.Compare(other, 0)+1]++
	}
	expected := 0.0
	for i := range rows {
		expected += rows[i] * columns[i]
	}
	n := float64(a.Pairs)
	if expected /= n * n; a.Pairs > 0 && expected < 1 {
		kappa := (float64(a.Equal)/n - expected) / (1 - expected)
		a.Kappa = &kappa
	}
	return a
}
