package selection

import (
	"errors"
	"fmt"
)

// Caps are limits for the amount of a selection that one source, style, image, cluster of near duplicates, template of
// questions or modality may have. A zero Cap is no limit. When a source (style, image, ...) reaches its cap, all its
// samples are removed from all bins. Example in JSON: {"source": "10%", "image": "3"}.
type Caps struct {
	Source Cap `json:"source,omitzero"`
	// Style counts a sample with several styles once for each style.
	Style Cap `json:"style,omitzero"`
	Image Cap `json:"image,omitzero"`
	// Cluster limits the samples with nearly equal images and texts. Template limits the samples whose first questions
	// have the same template (package similarity).
	Cluster  Cap `json:"cluster,omitzero"`
	Template Cap `json:"template,omitzero"`
	// Modality has a cap for each modality.
	Modality ModalityCaps `json:"modality,omitzero"`
}

// ModalityCaps are the caps of samples without an image, with one image, with several images, and with several turns.
type ModalityCaps struct {
	TextOnly   Cap `yaml:"text-only" json:"text-only,omitzero"`
	OneImage   Cap `yaml:"one-image" json:"one-image,omitzero"`
	MultiImage Cap `yaml:"multi-image" json:"multi-image,omitzero"`
	MultiTurn  Cap `yaml:"multi-turn" json:"multi-turn,omitzero"`
}

// A ModalityCap is the cap of one modality, with the modality's name.
type ModalityCap struct {
	Name string
	Cap  *Cap
	// has reports whether a sample of a shape belongs to the modality.
	has func(Shape) bool
}

// All returns the caps with their names, in the order of the fields.
func (m *ModalityCaps) All() []ModalityCap {
	images := func(of Shape) func(Shape) bool { return func(s Shape) bool { return s%MultiTurn == of } }
	return []ModalityCap{
		{"text-only", &m.TextOnly, images(TextOnly)}, {"one-image", &m.OneImage, images(OneImage)},
		{"multi-image", &m.MultiImage, images(MultiImage)},
		{"multi-turn", &m.MultiTurn, func(s Shape) bool { return s >= MultiTurn }},
	}
}

// ModalityNames returns the names of all modalities, in the order of the fields of ModalityCaps.
func ModalityNames() []string {
	var names []string
	for _, m := range new(ModalityCaps).All() {
		names = append(names, m.Name)
	}
	return names
}

// A Cap is a number of samples from 1, or a ratio of the budget above 0 up to 1.0, rounded down but at least 1. With a
// budget in tokens, a ratio counts tokens. If the next sample to be picked would exceed the cap, it is removed. A Cap
// is written like a Budget.
type Cap struct{ amount Budget }

// ParseCap parses a cap. It accepts the texts that ParseBudget accepts for samples.
func ParseCap(text string) (Cap, error) {
	amount, err := parseSamples("cap", text)
	return Cap{amount}, err
}

// IsZero reports whether there is no limit.
func (c Cap) IsZero() bool { return c == Cap{} }

// String returns the cap in a form that ParseCap reads; it is empty for a zero Cap.
func (c Cap) String() string { return c.amount.String() }

// Typed returns the cap in the form that people type: a ratio as a percentage.
func (c Cap) Typed() string { return c.amount.Typed() }

// MarshalText returns the text of String.
func (c Cap) MarshalText() ([]byte, error) { return c.amount.MarshalText() }

// UnmarshalText accepts the same texts as ParseCap. An empty text is the zero Cap.
func (c *Cap) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Cap{}
		return nil
	}
	parsed, err := ParseCap(string(text))
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// UnmarshalJSON reads a string or a number. A number is read as it is written, so 1.0 and 1 differ.
func (c *Cap) UnmarshalJSON(data []byte) error { return unmarshalAmount(data, c.UnmarshalText) }

// of returns the cap for a budget, in samples or tokens.
func (c Cap) of(budget int) int {
	if c.amount.ratio > 0 {
		return max(int(float64(budget)*c.amount.ratio), 1)
	}
	return c.amount.count
}

// inTokens reports whether the cap counts tokens.
func (c Cap) inTokens(p Params) bool { return p.InTokens && c.amount.ratio > 0 }

func (c Caps) validate(pool *Pool) error {
	if !c.Image.IsZero() && pool.ImageStart == nil {
		return errors.New("caps: the pool's images are not known; remove the cap of an image")
	}
	if !c.Cluster.IsZero() && pool.Cluster == nil {
		return errors.New("caps: the pool's near duplicates are not known; remove the cap of a cluster")
	}
	if !c.Template.IsZero() && pool.Template == nil {
		return errors.New("caps: the pool's templates are not known; remove the cap of a template")
	}
	if c.Modality != (ModalityCaps{}) && pool.Shape == nil {
		return errors.New("caps: the pool's modalities are not known; remove the caps of modalities")
	}
	return nil
}

// validateIncludes returns an error that names every source, style, image, cluster, template and modality whose cap the
// must-includes alone exceed.
func (c Caps) validateIncludes(p Params, pool *Pool) error {
	counters := newCapCounters(pool, p)
	included := newBitset(pool.Len())
	for _, s := range p.Include {
		if !included.has(s) {
			included.set(s)
			counters.charge(s, func(*capCounter, uint32) {})
		}
	}
	var faults []error
	for _, counter := range counters {
		for i, used := range counter.used {
			if used > counter.limits[i] {
				faults = append(faults, fmt.Errorf(
					"caps: %s %s has %d of the samples to include, and its cap is %d; the least is %d",
					counter.noun, counter.name(uint32(i)), used, counter.limits[i], used))
			}
		}
	}
	return errors.Join(faults...)
}
