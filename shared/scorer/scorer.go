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
	// Images are the encoded images of the sample, in its order. They exist, and are within the limits of size and pixels.
	// They may still fail to decode.
	Images [][]byte
	// Decoded, if not nil, gets the picture of each image that the scorer decodes, on a white ground, so that it need not
	// be decoded again. It may be called concurrently, and must not keep the picture.
	Decoded func(image int, picture image.Image)
}

// RatedImages are the encoded images in the rated turns of the sample, in their order there.
func (it Item) RatedImages() [][]byte {
	var rated [][]byte
	for _, i := range it.Sample.RatedImages() {
		rated = append(rated, it.Images[i])
	}
	return rated
}

// A Result is what a scorer reports of one sample.
type Result struct {
	// Code is empty for a rated sample. Otherwise it is why this sample cannot be rated, Reason says the
	// same in words, and the other fields are empty.
	Code   reason.Code
	Reason string
	// Ratings holds one rating in [0, MaxRating] or Missing for each capability of the rubric.
	Ratings []int8
	// Expected holds the expected score in [0, MaxRating] for each capability, NaN for none.
	Expected []float32
	// Mass and Margin say how certain the scorer is of each capability. Both are in [0, 1], or NaN for none. Mass is the
	// total probability of the possible ratings. Margin is the probability of the likeliest rating minus that of the
	// second. Nil for a scorer without probabilities.
	Mass, Margin []float32 `json:",omitempty"`
	// Distance is the distance to the nearest training sample of the scorer, 1 or more; 0 if the scorer does not know.
	// Package reach says what it means.
	Distance int `json:",omitempty"`
	// Styles are styles of the rubric, the main one first; OtherStyles are answered names that are not in the rubric.
	Styles, OtherStyles []string
	// Flags warn readers of the scores, such as "off_reference".
	Flags []string
}

// Unrated is the result of a sample with a fault.
func Unrated(fault *dataset.Fault) Result { return Result{Code: fault.Code, Reason: fault.Reason()} }

// Died is the code of a sample that breaks its scorer each time it is rated alone.
const Died reason.Code = "scorer_died"

// ErrUnavailable is the error of a scorer that cannot be reached now, when it is opened or when it rates. It is
// transient: rubric, dataset and samples are not its cause.
var ErrUnavailable = errors.New("scorer unavailable")

// A StopError says that a run cannot continue until a person fixes what it names: its spending limit is reached, or the
// key is refused. No sample causes it, and a retry does not help until it is fixed.
type StopError struct{ Reason string }

func (e *StopError) Error() string { return e.Reason }

// A Scorer rates samples under the rubric that it was made for.
type Scorer interface {
	// ID is a hash of everything that can change a rating.
	ID() string
	// Rate returns one result for each item, in order. A fault of an item is the Code of its result. An error is transient
	// (a server is down, the context is cancelled) or a *StopError. Results depend on the items alone, not on how they are
	// batched.
	Rate(ctx context.Context, items []Item) ([]Result, error)
}

// A Sender is a scorer that sends images to servers, in bodies of base64 text.
type Sender interface {
	Scorer
	// Bodies is in how many request bodies the images of a sample are sent, 1 or more.
	Bodies() int
}

// bodyPerByte is the size of a request body for each byte of encoded images: base64 text is a third longer, and the
// rest is for the text around it.
const bodyPerByte = 1.4

// PerByte is the memory for each byte of images, if the images and a number of request bodies with them are held.
func PerByte(bodies int) float64 { return 1 + bodyPerByte*float64(bodies) }

// HeldPerByte is the memory for each byte of images while a scorer rates them, for a memory.Hold.
func HeldPerByte(s Scorer) float64 {
	if sender, ok := s.(Sender); ok {
		return PerByte(sender.Bodies())
	}
	return 1
}

// A Paid scorer rates for money, or under limits of requests or tokens a minute.
type Paid interface {
	Scorer
	// ForRun is the same scorer under the spending limit of a run. Its error is a *StopError if that
	// limit is reached already.
	ForRun(ctx context.Context, run string) (Scorer, error)
	// Estimate estimates the rating of a load. It makes no request.
	Estimate(Load) Estimate
}

// A Load describes the samples to rate.
type Load struct {
	Samples, Images int64
	TextBytes       int64 // of all conversations
}

// A Prober is a scorer whose server is tried before a run is planned.
type Prober interface {
	// Probe makes as few requests as it can. Its error is transient, or a *StopError that says what the server cannot do.
	Probe(ctx context.Context) error
}

// An Estimate is the expected time and cost of rating a load.
type Estimate struct {
	// Mode is the mode of a scorer with two modes, and Other the estimate of the other mode.
	Mode     string    `json:"mode,omitempty"`
	Other    *Estimate `json:"other_mode,omitempty"`
	Requests int64     `json:"requests,omitempty"`
	// CachedTokens is the part of InputTokens that the server is expected to have in its cache.
	CachedTokens int64 `json:"cached_tokens,omitempty"`
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	// Dollars is nil where the price is not known.
	Dollars *float64 `json:"dollars,omitempty"`
	Seconds float64  `json:"seconds"`
	// LimitedBy names the setting that determines Seconds.
	LimitedBy string `json:"limited_by"`
	// SpendingLimit is what a run may cost, in US dollars; 0 for no limit.
	SpendingLimit float64 `json:"spending_limit,omitempty"`
}
