package llm

import (
	"time"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// What requests take, for estimates; counts of servers replace them afterwards. English has some four
// bytes a token, in the vocabularies of today's models.
const (
	bytesPerToken = 4
	// requestTokens frame a request; an answer has reasonTokens for its reason and styles, and ratingTokens for
	// each rating.
	requestTokens, reasonTokens, ratingTokens = 60, 80, 9
	// answerSeconds is how long an answer takes, of the large models that people annotate with.
	answerSeconds = 5
)

func textTokens(bytes int) int { return (bytes + bytesPerToken - 1) / bytesPerToken }

// inputTokens estimates a request.
func (s *Scorer) inputTokens(textBytes, images int) int {
	return requestTokens + textTokens(len(s.system)+len(answerReminder)+textBytes) + images*s.ImageTokens
}

// maxDollars is what a request can cost, in US dollars, if its input is estimated well.
func maxDollars(p *price, inputTokens, outputTokens int) float64 {
	if p == nil {
		return 0
	}
	return p.of(Usage{InputTokens: inputTokens, OutputTokens: outputTokens})
}

// Estimate returns what rating a load takes this process, without a second attempt at any sample.
func (s *Scorer) Estimate(l scorer.Load) scorer.Estimate {
	e := scorer.Estimate{
		InputTokens: l.Samples*int64(requestTokens+textTokens(len(s.system)+len(answerReminder))) +
			l.TextBytes/bytesPerToken + l.Images*int64(s.ImageTokens),
		OutputTokens:  l.Samples * int64(reasonTokens+ratingTokens*len(s.rubric.Capabilities)),
		SpendingLimit: s.MaxCost,
	}
	if s.price != nil {
		dollars := s.price.of(Usage{InputTokens: int(e.InputTokens), OutputTokens: int(e.OutputTokens)})
		e.Dollars = &dollars
	}
	e.Seconds, e.LimitedBy = float64(l.Samples)*answerSeconds/float64(s.Concurrency), "LLM_CONCURRENCY"
	for _, limit := range []struct {
		name      string
		perMinute int
		needed    int64
	}{
		{"LLM_REQUESTS_PER_MINUTE", s.RequestsPerMinute, l.Samples},
		{"LLM_TOKENS_PER_MINUTE", s.TokensPerMinute, e.InputTokens + e.OutputTokens},
	} {
		if limit.perMinute == 0 {
			continue
		}
		if seconds := float64(limit.needed) / float64(limit.perMinute) * time.Minute.Seconds(); seconds > e.Seconds {
			e.Seconds, e.LimitedBy = seconds, limit.name
		}
	}
	return e
}
