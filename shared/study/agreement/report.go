package agreement

import (
	"encoding/json"
	"math"
)

// A Report has all results of Measure.
type Report struct {
	Samples int `json:"samples"`
	// Mean is the mean over the capabilities for which a figure is defined.
	Mean         Agreement             `json:"mean"`
	Capabilities map[string]Capability `json:"capabilities"`
	Styles       Styles                `json:"styles"`
	WithinSource WithinSource          `json:"within_source"`
	// Overlap has, by budget, the share of the selection from the annotations that is also in the selection from the given
	// opinions. RandomOverlap has the mean share that is in a random selection of the same size. Both are null if the
	// budget is less than one sample.
	Overlap       map[string]Value `json:"selection_overlap"`
	RandomOverlap map[string]Value `json:"random_overlap"`
	// SelectionValue has, by budget, the value of the selection from the given opinions; see Pools.
	SelectionValue map[string]Value `json:"selection_value"`
	// SourceMean is the agreement of a rater who gives each sample the mean annotated rating of its source. With many
	// sources it is high, although such a rater cannot order the samples within a source.
	SourceMean Figures           `json:"source_mean"`
	Sources    map[string]Source `json:"sources"`
}

// Figures measure the agreement of ratings.
type Figures struct {
	// Spearman is the correlation of the ranks of annotated ratings and expected scores. Equal values have the mean of
	// their ranks.
	Spearman Value `json:"spearman"`
	// QWK is Cohen's kappa of the ratings with quadratic weights.
	QWK Value `json:"qwk"`
	// Exact is the share of equal ratings, and WithinOne the share of ratings that differ by at most 1.
	Exact     Value `json:"exact"`
	WithinOne Value `json:"within_one"`
}

// An Agreement has Figures with their 95 % intervals.
type Agreement struct {
	Figures
	Intervals struct {
		Spearman  Interval `json:"spearman"`
		QWK       Interval `json:"qwk"`
		Exact     Interval `json:"exact"`
		WithinOne Interval `json:"within_one"`
	} `json:"intervals"`
}

// A Capability is the agreement on one capability. Spearman and QWK are null if all annotated ratings are equal,
// because agreement cannot be measured then. A rater who gives all samples the same score has a Spearman of 0.
type Capability struct {
	// Compared is the number of samples with both ratings. AnnotatedMissing is the number of samples without an annotated
	// rating, and GivenMissing the number of samples without a given rating.
	Compared         int `json:"compared"`
	AnnotatedMissing int `json:"annotated_missing"`
	GivenMissing     int `json:"given_missing"`
	Agreement
}

// Styles is the agreement on styles, which are compared as sets.
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

// A Style is the agreement on one style. A figure without a denominator is null.
type Style struct {
	Annotated int      `json:"annotated"` // number of samples with this style in the annotation
	Given     int      `json:"given"`     // number of samples to which the rater gives this style
	Precision Value    `json:"precision"`
	Recall    Value    `json:"recall"`
	F1        Value    `json:"f1"`
	Interval  Interval `json:"f1_interval"`
}

// WithinSource is the agreement on the order of samples within their sources. It is the correlation of the ranks within
// sources, centred and divided by the size of the source. It uses all sources with at least 20 samples and different
// annotated ratings. A prediction that depends only on the source gives exactly 0.
type WithinSource struct {
	// Sources is the number of sources that are large enough, and Samples the number of their samples.
	Sources int `json:"sources"`
	Samples int `json:"samples"`
	// Spearman is the mean over capabilities.
	Spearman Value    `json:"spearman"`
	Interval Interval `json:"interval"`
	// Above is the number of capabilities whose interval is above 0.
	Above        int                         `json:"capabilities_above_zero"`
	Capabilities map[string]WithinCapability `json:"capabilities"`
}

// A WithinCapability is the agreement on the order within sources for one capability.
type WithinCapability struct {
	Spearman Value    `json:"spearman"`
	Interval Interval `json:"interval"`
}

// A Source is the agreement on the samples of one source: the mean over the capabilities for which a figure is defined.
type Source struct {
	Samples int `json:"samples"`
	Figures
	MicroF1 Value `json:"micro_f1"`
}

// A Value is a figure; NaN if the figure is not defined. In JSON it is null, or a number with six decimals.
type Value float64

// MarshalJSON writes a number, or null.
func (v Value) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) {
		return []byte("null"), nil
	}
	return json.Marshal(math.Round(float64(v)*1e6) / 1e6)
}

// UnmarshalJSON reads the output of MarshalJSON.
func (v *Value) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*v = Value(math.NaN())
		return nil
	}
	return json.Unmarshal(data, (*float64)(v))
}

// An Interval has the bounds of a 95 % bootstrap interval (percentiles). The bootstrap draws samples.
type Interval [2]Value
