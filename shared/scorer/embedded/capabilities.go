package embedded

import (
	"math"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// A formula estimates how helpful a sample is for training a capability: a sum of cues, each worth
// weight points of the scale from 0 to scorer.MaxRating.
type formula struct {
	capability string
	terms      []term
}

type term struct {
	weight float64
	cue    cue
}

// formulas are the capabilities that this scorer knows. The cues of each were chosen by hand, for
// what they mean; the weights began as a ridge regression on annotated samples, rounded to quarters,
// without the terms that made no sense. A sample without an image is kept from reading by hand.
var formulas = []formula{
	{"object spatial understanding", []term{
		{0.75, always}, {2, boxTold}, {1.75, asked(place)}, {1, boxAsked}, {1, asked(geometry)}, {0.75, told(geometry)},
		{0.25, told(place)}, {-0.5, page}, {-0.75, textOnly}}},
	{"attribute identification", []term{
		{1, always}, {1.75, asked(colour)}, {1, told(colour)}, {0.75, told(quality)}, {0.75, asked(count)}, {-0.25, asked(writing)},
		{-0.5, boxTold}, {-0.75, asked(science)}, {-1, page}, {-1.25, textOnly}}},
	{"logical deduction", []term{
		{-0.75, always}, {3.75, longTask}, {1, asked(puzzle)}, {0.75, steps}, {0.75, asked(count)}, {0.5, told(puzzle)},
		{-0.25, formatted}, {-0.5, boxTold}, {-0.5, reading}, {-0.5, quote}, {-0.75, photo}, {-0.75, asked(writing)}, {-0.75, asked(kind)}}},
	{"scene understanding", []term{
		{1, told(setting)}, {1, told(being)}, {0.75, photo}, {0.75, caption}, {0.5, several}, {0.25, asked(setting)},
		{-0.25, numbersTold}, {-0.75, asked(cause)}}},
	{"fine-grained recognition", []term{
		{1.25, always}, {1.5, asked(kind)}, {0.75, asked(science)}, {0.75, photo}, {0.5, told(society)}, {-0.5, caption},
		{-0.5, quote}, {-0.5, chart}, {-0.5, asked(count)}, {-0.75, asked(comparing)}, {-1, longTask}}},
	{"language generation", []term{
		{-0.25, always}, {4, long}, {1, told(comparing)}, {0.5, told(cause)}, {-0.5, formatted}, {-0.5, numbersTold},
		{-0.5, reading}, {-0.75, asked(form)}}},
	{"in-context learning", []term{
		{1.5, asked(form)}, {1, formatted}, {0.5, longTask}, {0.5, asked(puzzle)}, {-0.5, verdict}, {-0.5, asked(writing)},
		{-0.5, asked(kind)}}},
	{"comparative analysis", []term{
		{1.5, contrast}, {1.25, several}, {1, asked(comparing)}, {0.75, told(comparing)}, {0.75, options}, {0.5, chart},
		{0.5, told(puzzle)}, {-0.5, asked(geometry)}}},
	{"activity recognition", []term{
		{1.5, told(being)}, {0.75, told(deed)}, {0.5, caption}, {0.25, asked(being)}, {0.25, asked(deed)}, {0.25, photo},
		{-0.25, told(data)}, {-0.25, asked(form)}, {-0.5, told(comparing)}, {-0.75, asked(cause)}}},
	{"causal reasoning", []term{
		{1.5, asked(cause)}, {0.5, told(puzzle)}, {0.25, told(cause)}, {0.25, asked(data)}, {0.25, long}, {-0.25, numbersTold}}},
	{"humanities", []term{
		{0.75, always}, {2.25, asked(society)}, {1.75, told(society)}, {-0.5, photo}, {-0.5, formatted}, {-0.5, steps},
		{-0.5, asked(geometry)}, {-0.5, asked(colour)}, {-0.5, asked(data)}}},
	{"stem knowledge", []term{
		{-0.25, always}, {1.75, asked(science)}, {1.5, longTask}, {1.25, notation}, {1.25, asked(geometry)}, {1, told(science)},
		{1, textOnly}, {0.5, asked(count)}, {-0.25, photo}, {-0.5, asked(society)}, {-0.5, quote}}},
	{"data understanding", []term{
		{0.5, always}, {2, asked(data)}, {1, told(data)}, {0.75, chart}, {0.75, page}, {0.75, told(comparing)}, {0.25, numbersTold},
		{-0.25, asked(geometry)}, {-0.25, asked(writing)}, {-0.5, photo}, {-1, asked(colour)}, {-1, textOnly}}},
	{"optical character recognition", []term{
		{0.75, always}, {2.25, page}, {1.25, asked(writing)}, {1, formatted}, {0.75, drawing}, {0.5, reading}, {-0.5, bare},
		{-0.75, photo}, {-0.75, asked(geometry)}, {-5, textOnly}}},
}

// expected is the formula's score in [0, scorer.MaxRating], a multiple of 1/1024.
func (f *formula) expected(e *evidence) float64 {
	sum := 0.0
	for _, t := range f.terms {
		sum += float64(t.weight * e[t.cue]) // the conversion keeps machines from fusing the two operations
	}
	return math.Round(min(scorer.MaxRating, max(0, sum))*1024) / 1024
}
