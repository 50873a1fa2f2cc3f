// Package scorer defines the interface of scorers, which rate samples. Implementations are in the packages below it.
package scorer

import (
	"context"
	"errors"
	"image"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/scores/reason"
)

// An Item is one sample to rate.
type Item struct {
	Sample *dataset.Sample
	// Images are the encoded images of the sample, in its order. They exist and are within the limits of bytes and pixels,
	// but a scorer may still be unable to decode one.
	Images [][]byte
	// Decoded, if not nil, is called with the picture of each image that the scorer decodes, on a white background. So the
	// caller need not decode the image again. Decoded may be called concurrently, and must not keep the picture.
	Decoded func(image int, picture image.Image)
}

// RatedImages returns the encoded images in the rated turns of the sample, in the order of the turns.
func (it Item) RatedImages() [][]byte {
	var rated [][]byte
	for _, i := range it.Sample.RatedImages() {
		rated = append(rated, it.Images[i])
	}
	return rated
}

// A Result is the scorer's answer for one sample.
type Result struct {
	// Code is empty for a rated sample. Otherwise it is the code of the reason why the sample cannot be rated. Reason then
	// explains the code in words, and the other fields are empty.
	Code   reason.Code
	Reason string
	// Ratings holds one rating in [0, MaxRating] or Missing for each capability of the rubric.
	Ratings []int8
	// Expected holds the expected score in [0, MaxRating] for each capability, or NaN.
	Expected []float32
	// Mass and Margin measure the scorer's certainty about each capability. They are in [0, 1], or NaN. Mass is the total
	// probability of the possible ratings. Margin is the probability of the likeliest rating minus that of the second
	// likeliest. Both are nil for a scorer without probabilities.
	Mass, Margin []float32 `json:",omitempty"`
	// Distance is the distance to the nearest training sample of the scorer, 1 or more; 0 if it is not known. Package
	// reach explains the unit.
	Distance int `json:",omitempty"`
	// Styles are styles of the rubric, the main style first. OtherStyles are names in the answer that are not in the
	// rubric.
	Styles, OtherStyles []string
	// Flags are warnings for readers of the scores, such as "off_reference".
	Flags []string
}

// Unrated returns the result of a sample that cannot be rated because of a fault.
func Unrated(fault *dataset.Fault) Result { return Result{Code: fault.Code, Reason: fault.Reason()} }

// Died is the code of a sample that makes its scorer fail each time it is rated alone.
const Died reason.Code = "scorer_died"

// ErrUnavailable is the error if a scorer cannot be reached now, while it is opened or while it rates. The error is
// transient: the rubric, the dataset and the samples do not cause it.
var ErrUnavailable = errors.New("scorer unavailable")

// A StopError reports that a run cannot continue until a person acts, because its spending limit is reached, or because
// the API key is refused. No sample causes the error, and an earlier retry has the same error.
type StopError struct{ Reason string }

func (e *StopError) Error() string { return e.Reason }

// A Scorer rates samples under the rubric that it was made for.
type Scorer interface {
	// ID returns a hash of everything that can change a rating.
	ID() string
	// Rate returns one result for each item, in order. If an item cannot be rated, its result has a Code. An error is
	// transient (a server is down, the context is cancelled) or a *StopError. Results depend only on the items, not on how
	// they are divided into batches.
	Rate(ctx context.Context, items []Item) ([]Result, error)
}

// A Sender is a scorer that sends images to servers as base64 text in request bodies.
type Sender interface {
	Scorer
	// Bodies returns the number of request bodies that hold a sample's images at the same time, 1 or more.
	Bodies() int
}

// bodyPerByte is the size of a request body for each byte of encoded images. Base64 text is a third longer than the
// image; the rest is for other text.
const bodyPerByte = 1.4

// PerByte returns the bytes of memory for each byte of images, if the images and a number of request bodies are in
// memory.
func PerByte(bodies int) float64 { return 1 + bodyPerByte*float64(bodies) }

// HeldPerByte returns the bytes of memory for each byte of images while a scorer rates them, for a memory.Hold.
func HeldPerByte(s Scorer) float64 {
	if sender, ok := s.(Sender); ok {
		return PerByte(sender.Bodies())
	}
	return 1
}

// A Paid scorer costs money, or has limits of requests or tokens a minute.
type Paid interface {
	Scorer
	// ForRun returns the same scorer under the spending limit of a run. The error is a *StopError if the limit is already
	// reached.
	ForRun(ctx context.Context, run string) (Scorer, error)
	// Estimate returns the expected time and cost of a load. It makes no request.
	Estimate(Load) Estimate
}

// A Load describes the samples to rate.
type Load struct {
	Samples, Images int64
	TextBytes       int64 // of all conversations
}

// A Prober is a scorer whose server is checked before a run is planned.
type Prober interface {
	// Probe checks the server with a few requests. The error is transient, or a *StopError that gives the reason why the
	// server cannot be used.
	Probe(ctx context.Context) error
}

// An Estimate is the expected time and cost of rating a load.
type Estimate struct {
	// Mode is the mode of the scorer, and Other the estimate for the other mode. Both are empty if there are no modes.
	Mode     string    `json:"mode,omitempty"`
	Other    *Estimate `json:"other_mode,omitempty"`
	Requests int64     `json:"requests,omitempty"`
	// CachedTokens is the number of input tokens that the server is expected to read from its cache.
	CachedTokens int64 `json:"cached_tokens,omitempty"`
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	// Dollars is nil if the price is not known.
	Dollars *float64 `json:"dollars,omitempty"`
	Seconds float64  `json:"seconds"`
	// LimitedBy is the name of the setting that determines Seconds.
	LimitedBy string `json:"limited_by"`
	// SpendingLimit is the largest permitted cost of a run, in US dollars; 0 for no limit.
	SpendingLimit float64 `json:"spending_limit,omitempty"`
}
