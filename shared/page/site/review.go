package site

import (
	"net/url"
	"strconv"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/review"
)

// Review is the page of a blind review: the form that begins the review, a pair, or the result. Until the last pair has
// a choice, the page does not show which sample was selected, and shows no ratings.
type Review struct {
	Dataset  string
	Request  review.Request
	Reviewer string // empty until the reviewer gives a name
	// Done of Total pairs have a choice.
	Done, Total int
	// Number is the number of the shown pair, from 1. Capability is the capability of the pair; it may be empty.
	Number     int
	Capability string
	Sides      []ReviewSide
	Report     *review.Report // nil until every pair has a choice
	Problem    string
}

// A ReviewSide is one sample of a pair.
type ReviewSide struct {
	Side   review.Choice
	Index  int64
	Turns  []Turn
	Images []int // numbers of the images, from 1
}

// NewReviewSide makes a side of a pair from a sample.
func NewReviewSide(side review.Choice, index int64, sample *dataset.Sample) ReviewSide {
	return ReviewSide{side, index, NewTurns(sample), Sample{Count: len(sample.Images)}.Numbers()}
}

func (Review) template() string { return "review.html" }

// Title implements View.
func (v Review) Title() string { return "Review of selection " + v.Request.A }

// Choices returns the values of the buttons, with their labels and the keys that press them.
func (Review) Choices() [][3]string {
	return [][3]string{
		{string(review.Left), "The left one", "ArrowLeft l 1"}, {string(review.Tie), "Neither", "ArrowDown t 0"},
		{string(review.Right), "The right one", "ArrowRight r 2"},
	}
}

// Path returns the path of the page.
func (v Review) Path() string { return reviewPath(v.Request) }

// Lines returns the path of the choices as JSON lines.
func (v Review) Lines() string { return v.Path() + ".jsonl" + reviewQuery(v.Request, v.Reviewer) }

func reviewPath(r review.Request) string { return SelectionPath(r.Run, r.A) + "/review" }

func reviewQuery(r review.Request, reviewer string) string {
	query := url.Values{"pairs": {strconv.Itoa(r.Pairs)}, "reviewer": {reviewer}}
	if r.Against != "" {
		query.Set("against", r.Against)
	}
	if r.Seed != 0 {
		query.Set("seed", strconv.FormatUint(r.Seed, 10))
	}
	return "?" + query.Encode()
}

// ReviewPath returns the path of the review of a reviewer.
func ReviewPath(r review.Request, reviewer string) string {
	return reviewPath(r) + reviewQuery(r, reviewer)
}
