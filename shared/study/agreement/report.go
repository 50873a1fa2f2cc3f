package agreement

import (
	"encoding/json"
	"math"
)

// A Report is all that is measured.
type Report struct {
	Samples int `json:"samples"`
	// Mean holds the mean over the capabilities for which a figure is defined.
	Mean         Agreement             `json:"mean"`
	Capabilities map[string]Capability `json:"capabilities"`
	Styles       Styles                `json:"styles"`
	WithinSource WithinSource          `json:"within_source"`
	// Overlap is, by budget, the share of the selection made from the annotations that the one made
	// from the given opinions holds too; RandomOverlap is what a random selection of its size would
	// hold on average. Null where the budget is less than one sample.
	Overlap       map[string]Value `json:"selection_overlap"`
	RandomOverlap map[string]Value `json:"random_overlap"`
	// SelectionValue is, by budget, what the selection from the given opinions is worth (Pools).
	SelectionValue map[string]Value `json:"selection_value"`
	// SourceMean is the agreement of a rater who gives each sample the mean annotated rating of its source: over many
	// sources it is high, and it orders nothing within one.
	SourceMean Figures           `json:"source_mean"`
	Sources    map[string]Source `json:"sources"`
}

// Figures say how far ratings agree.
type Figures struct {
	// Spearman is the correlation of the ranks of annotated ratings and expected scores, equal ones
	// sharing their mean rank.
	Spearman Value `json:"spearman"`
	// QWK is Cohen's kappa of the ratings with quadratic weights.
	QWK Value `json:"qwk"`
	// Exact and WithinOne are the shares of ratings that are equal, and that differ by 1 at most.
	Exact     Value `json:"exact"`
	WithinOne Value `json:"within_one"`
}

// Agreement is Figures with their 95 % intervals.
type Agreement struct {
	Figures
	Intervals struct {
		Spearman  Interval `json:"spearman"`
		QWK       Interval `json:"qwk"`
		Exact     Interval `json:"exact"`
		WithinOne Interval `json:"within_one"`
	} `json:"intervals"`
}

// Capability is the agreement on one capability. Spearman and QWK are null where all annotated
// ratings are equal, for then there is nothing to find; a rater who gives all samples one score has a Spearman of
// 0.
type Capability struct {
	// Compared is the number of samples with both ratings; AnnotatedMissing counts samples without an annotated rating,
	// GivenMissing samples without a given one.
	Compared         int `json:"compared"`
	AnnotatedMissing int `json:"annotated_missing"`
	GivenMissing     int `json:"given_missing"`
	Agreement
}

// Styles is the agreement on styles, as sets.
type Styles struct {
	// MicroPrecision, MicroRecall and MicroF1 count the styles of all samples together.
	MicroPrecision Value `json:"micro_precision"`
	MicroRecall    Value `json:"micro_recall"`
	MicroF1        Value `json:"micro_f1"`
	Intervals      struct {
		MicroF1 Interval `json:"micro_f1"`
	} `json:"intervals"`
	Styles map[string]Style `json:"styles"`
}

// Style is the agreement on one style. What has no denominator is null.
type Style struct {
	Annotated int      `json:"annotated"` // samples
	Given     int      `json:"given"`
	Precision Value    `json:"precision"`
	Recall    Value    `json:"recall"`
	F1        Value    `json:"f1"`
	Interval  Interval `json:"f1_interval"`
}

// WithinSource is how well samples are ordered within their sources: the correlation of the ranks
// that they have within their source, divided by its size and centred, over all sources of 20 samples
// or more whose annotated ratings differ. Predicting each source's mean, or any function of the source
// alone, gives exactly 0.
type WithinSource struct {
	// Sources and Samples count those that are large enough.
	Sources int `json:"sources"`
	Samples int `json:"samples"`
	// Spearman is the mean over capabilities.
	Spearman Value    `json:"spearman"`
	Interval Interval `json:"interval"`
	// Above is the number of capabilities whose interval is above 0.
	Above        int                         `json:"capabilities_above_zero"`
	Capabilities map[string]WithinCapability `json:"capabilities"`
}

// WithinCapability is WithinSource of one capability.
type WithinCapability struct {
	Spearman Value    `json:"spearman"`
	Interval Interval `json:"interval"`
}

// Source is the agreement on the samples of one source, the mean over the capabilities for which it is defined.
type Source struct {
	Samples int `json:"samples"`
	Figures
	MicroF1 Value `json:"micro_f1"`
}

// A Value is a figure, NaN where it is not defined: null in JSON, which has six decimals.
type Value float64

// MarshalJSON is a number or null.
func (v Value) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) {
		return []byte("null"), nil
	}
	return json.Marshal(math.Round(float64(v)*1e6) / 1e6)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*v = Value(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(v))
}

// An Interval is the lower and the upper end of a 95 % bootstrap interval (percentiles), resampled by sample.
type Interval [2]Value
