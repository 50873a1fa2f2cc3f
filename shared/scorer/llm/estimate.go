package llm

import (
	"time"

	"github.com/harvest-ml/harvest/shared/scorer"
)

// Sizes of requests, for estimates. After a request, the server's own counts replace the estimate. English text has
// about four bytes a token in the vocabularies of current models.
const (
	bytesPerToken = 4
	// requestTokens is the overhead of a request. An answer has reasonTokens for reason and styles, and ratingTokens for
	// each rating.
	requestTokens, reasonTokens, ratingTokens = 60, 80, 9
	// answerSeconds is the time for a JSON answer of a large model. tokenSeconds is the time for an answer of one token
	// about a sample in the server's cache.
	answerSeconds, tokenSeconds = 5, 0.5
	// probes is the largest number of requests of a probe.
	probes = 3
)

func textTokens(bytes int) int { return (bytes + bytesPerToken - 1) / bytesPerToken }

// textAround returns the length of the text around a sample in a request, in bytes.
func (s *Scorer) textAround() int {
	if s.mode == scorer.ModeLogprobs {
		return len(s.system) + len(questionReminder) + len(stylesQuestion)
	}
	return len(s.system) + len(answerReminder)
}

// inputTokens returns the estimated number of input tokens of a request.
func (s *Scorer) inputTokens(textBytes, images int) int {
	return requestTokens + textTokens(s.textAround()+textBytes) + images*s.ImageTokens
}

// maxDollars returns the highest cost of all requests for a sample, in US dollars, if the estimate of the input is
// correct.
func (s *Scorer) maxDollars(inputTokens int) float64 {
	all := Usage{InputTokens: attempts * inputTokens, OutputTokens: attempts * s.MaxTokens}
	if s.mode == scorer.ModeLogprobs {
		questions := len(s.rubric.Capabilities)
		all = all.add(Usage{
			InputTokens: (questions + probes) * inputTokens, OutputTokens: questions + probes*probeTokens,
		})
	}
	return maxDollars(s.price, all)
}

// maxDollars returns the highest cost of requests with the usage most, in US dollars; 0 if the price is not known.
func maxDollars(p *price, most Usage) float64 {
	if p == nil {
		return 0
	}
	return p.of(most)
}

// Estimate estimates the cost of rating a load by this process, in the scorer's mode and in the other mode. It assumes
// that all answers are valid.
func (s *Scorer) Estimate(l scorer.Load) scorer.Estimate {
	e := s.estimate(l)
	other := *s
	other.setMode(map[string]string{scorer.ModeJSON: scorer.ModeLogprobs, scorer.ModeLogprobs: scorer.ModeJSON}[s.mode])
	instead := other.estimate(l)
	e.Other = &instead
	return e
}

func (s *Scorer) estimate(l scorer.Load) scorer.Estimate {
	e := scorer.Estimate{
		Mode: s.mode, Requests: l.Samples,
		InputTokens: l.Samples*int64(requestTokens+textTokens(s.textAround())) +
			l.TextBytes/bytesPerToken + l.Images*int64(s.ImageTokens),
		OutputTokens:  l.Samples * int64(reasonTokens+ratingTokens*len(s.rubric.Capabilities)),
		SpendingLimit: s.MaxCost,
	}
	perSample := float64(answerSeconds)
	if s.mode == scorer.ModeLogprobs {
		questions := int64(len(s.rubric.Capabilities))
		e.Requests = l.Samples * (questions + 1)
		e.CachedTokens = questions * e.InputTokens // after the first request the sample is in the server's cache
		e.InputTokens *= questions + 1
		e.OutputTokens = l.Samples * (reasonTokens + questions)
		perSample = float64(questions+1)*tokenSeconds + answerSeconds/2
	}
	if s.price != nil {
		dollars := s.price.of(Usage{
			InputTokens: int(e.InputTokens), CachedTokens: int(e.CachedTokens), OutputTokens: int(e.OutputTokens),
		})
		e.Dollars = &dollars
	}
	e.Seconds, e.LimitedBy = float64(l.Samples)*perSample/float64(s.Concurrency), "LLM_CONCURRENCY"
	for _, limit := range []struct {
		name      string
		perMinute int
		needed    int64
	}{
		{"LLM_REQUESTS_PER_MINUTE", s.RequestsPerMinute, e.Requests},
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
