package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	webpage "github.com/harvest-ml/harvest/shared/page"
	"github.com/harvest-ml/harvest/shared/scores"
	"github.com/harvest-ml/harvest/shared/scores/reason"
	"github.com/harvest-ml/harvest/shared/selection"
	"github.com/harvest-ml/harvest/shared/subset"
)

// The largest sizes of texts of the dataset in a report, in bytes of HTML.
const (
	maxTurn = 600 // a turn of a conversation
	maxWhy  = 300 // a reason
	// maxCommand limits a command, or a request's body, that makes the selection again.
	maxCommand = 4000
)

const (
	maxTurns   = 4 // turns of a conversation in a card
	maxStyles  = 6 // styles of a sample in a card
	statusIn   = "selected"
	statusLeft = "left"
	statusNot  = "not scored"
)

// A Gallery shows samples.
type Gallery struct {
	Cards    []*Card
	Pictures []Picture
	// Note gives the number of pictures and their sources, or the reason why there are no pictures.
	Note string
	// The lists below have the values of the filters for cards.
	Kinds                         []struct{ Name, Meaning string }
	Capabilities, Styles, Sources []string
}

// A Picture is a picture of a gallery. The page contains it once, and every card with its id shows it.
type Picture struct {
	ID   string
	Data []byte // JPEG
}

// A Card is one sample.
type Card struct {
	Index   int
	ID      string
	Status  string // selected, left, or not scored
	Kinds   string // joined by "|"
	Source  string
	Styles  []string
	Ratings string // ratings of all capabilities in order, joined by commas; empty for a missing rating
	Rated   []Rated
	Why     string
	Miss    string // how nearly a sample was picked; empty for a selected sample
	Turns   []Turn
	Omitted int // number of turns that the card omits
	// Picture is the id of a picture. If it is empty, NoPicture is the reason. Images is the number of images of the
	// sample.
	Picture, NoPicture string
	Images             int

	sample uint32
}

// A Rated is a capability with its rating on a card.
type Rated struct {
	Capability string
	Rating     int8
}

// A Turn is a shortened turn of a conversation.
type Turn struct{ Role, Text string }

// ShownAs returns the kinds of a card as the page shows them.
func (c *Card) ShownAs() string { return strings.ReplaceAll(c.Kinds, "|", "; ") }

// Value returns a card's styles as the value of a filter.
func (c *Card) Value() string { return strings.Join(c.Styles, "|") }

// newGallery returns the gallery of the chosen samples, without conversations and pictures.
func newGallery(o *subset.Outcome, chosen *choice, explain explainer) (*Gallery, error) {
	explained, err := explain(chosen.samples)
	if err != nil {
		return nil, err
	}
	g := &Gallery{}
	for _, k := range kinds {
		if slices.ContainsFunc(chosen.samples, func(s uint32) bool { return slices.Contains(chosen.kinds[s], k.Name) }) {
			g.Kinds = append(g.Kinds, k)
		}
	}
	g.show(o.Pool.Pool, chosen, func(i int) *Card { return newCard(o, chosen.samples[i], explained[i]) })
	return g, nil
}

// show adds a card for each chosen sample. It also sets the values of the filters, sorted and each once.
func (g *Gallery) show(pool *selection.Pool, chosen *choice, card func(i int) *Card) {
	for _, c := range pool.Capabilities {
		g.Capabilities = append(g.Capabilities, webpage.Name(c))
	}
	for i, s := range chosen.samples {
		c := card(i)
		c.Kinds = strings.Join(chosen.kinds[s], "|")
		g.Cards = append(g.Cards, c)
		g.Styles, g.Sources = append(g.Styles, c.Styles...), append(g.Sources, c.Source)
	}
	for _, list := range []*[]string{&g.Styles, &g.Sources} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
}

func newCard(o *subset.Outcome, s uint32, x subset.Explanation) *Card {
	pool := o.Pool.Pool
	card := &Card{
		Index: int(s), ID: webpage.Name(x.ID), Source: webpage.Name(pool.SourceNames[pool.Source[s]]), Status: statusLeft,
		sample: s,
	}
	for _, style := range stylesOf(pool, s) {
		if len(card.Styles) < maxStyles {
			card.Styles = append(card.Styles, webpage.Name(pool.StyleNames[style]))
		}
	}
	ratings := make([]string, len(pool.Capabilities))
	for c, capability := range pool.Capabilities {
		if rating := pool.Ratings[c][s]; rating != selection.Missing {
			ratings[c] = strconv.Itoa(int(rating))
			if rating > 0 {
				card.Rated = append(card.Rated, Rated{webpage.Name(capability), rating})
			}
		}
	}
	slices.SortStableFunc(card.Rated, func(a, b Rated) int { return -cmp.Compare(a.Rating, b.Rating) })
	card.Ratings = strings.Join(ratings, ",")
	switch {
	case o.Pool.Status[s] != scores.OK:
		card.Status, card.Why = statusNot, webpage.Clip(fmt.Sprintf("%s: %s", x.Status, x.Failure), maxWhy)
	case x.Order > 0:
		card.Status = statusIn
		card.Why = fmt.Sprintf("pick %s, by %s at rank %s", webpage.Group(x.Order), x.Rule, webpage.Group(x.Rank))
		if x.Capability != "" {
			card.Why = fmt.Sprintf("pick %s: for %s in round %s, at rank %s of bin %s",
				webpage.Group(x.Order), webpage.Name(x.Capability), webpage.Group(x.Round), webpage.Group(x.Rank),
				webpage.Name(x.Bin))
		}
	default:
		code := reason.Code(x.Reason)
		card.Why = code.Text(code.Meaning())
		card.Miss = nearestMiss(x)
	}
	return card
}

// nearestMiss returns a text that describes how nearly a sample was picked; empty if this is not known.
func nearestMiss(x subset.Explanation) string {
	if len(x.Misses) > 0 {
		m := x.Misses[0]
		last := "no sample was picked"
		if m.Last != nil {
			last = fmt.Sprintf("the last of %s picked samples had %d", webpage.Group(m.Picked), *m.Last)
		}
		place := ""
		if x.Nearest != nil {
			place = fmt.Sprintf(", where it is number %s and the last one taken number %s",
				webpage.Group(int(x.Nearest.Rank)), webpage.Group(int(x.Nearest.Last)))
		}
		return fmt.Sprintf("nearest miss: rating %d for %s in %s%s; %s",
			m.Rating, webpage.Name(m.Capability), webpage.Name(m.Bin), place, last)
	}
	if len(x.Below) > 0 {
		b := x.Below[0]
		rating := "no rating"
		if b.Rating != nil {
			rating = fmt.Sprintf("rating %d", *b.Rating)
		}
		return fmt.Sprintf("nearest miss: %s for %s; it must exceed %d", rating, webpage.Name(b.Capability), b.Threshold)
	}
	return ""
}

// converse adds the conversation to a card.
func (c *Card) converse(sample *dataset.Sample) {
	for i, turn := range sample.Turns {
		if i == maxTurns {
			c.Omitted = len(sample.Turns) - maxTurns
			break
		}
		var said strings.Builder
		for _, s := range turn.Segments {
			if s.Image > 0 {
				fmt.Fprintf(&said, "[image %d] ", s.Image)
			}
			said.WriteString(s.Text)
		}
		c.Turns = append(c.Turns, Turn{Role: webpage.Clip(string(turn.Role), 20), Text: webpage.Clip(said.String(), maxTurn)})
	}
	c.Images = len(sample.Images)
}
