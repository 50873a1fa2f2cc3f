package embedded

// gridSide bounds the grid of points that are read from an image: at most gridSide x gridSide points, evenly spaced.
const gridSide = 128

const (
	flatStep  = 3   // smaller luma steps are noise: in plain areas, JPEG has steps of 1 or 2
	inkStep   = 60  // luma steps of this size or more are strokes of writing or drawing; rare in photographs
	lightLuma = 224 // points with this luma or more are paper
	vividSpan = 64  // a pixel whose channels differ by this or more is vivid
	softStep  = 24  // smaller luma steps are texture, not outlines
	edgeStep  = 30  // luma steps of this size or more are outlines
	darkLuma  = 40
	greySpan  = 16 // a pixel whose channels differ by less has no colour
)

// imageStats describe one image. Unless stated otherwise, a number is the share of the grid points in [0, 1].
type imageStats struct {
	Flat     float64 // points about equal to their right and lower neighbour: drawn, not photographed
	Ink      float64 // points with a hard step to a neighbour: strokes
	Light    float64 // near-white points: paper
	Vivid    float64 // points of a saturated colour
	Dominant float64 // points of the most frequent colour: a background

	Dark      float64 // near-black points
	Grey      float64 // points without any colour
	Texture   float64 // points with a soft step to a neighbour: surfaces in photographs
	Mean      float64 // mean brightness
	Contrast  float64 // standard deviation of brightness; an image that is half black and half white has 1
	Colourful float64 // the colourfulness of Hasler and Suesstrunk (2003), mapped to [0, 1)
	Few       float64 // points of the eight most frequent colours
	Colours   float64 // number of colours, on a logarithmic scale
	Skin      float64 // points of the hue of skin, wood and sand
	Green     float64 // points of the hue of leaves
	Blue      float64 // points of the hue of sky and water
	Lines     float64 // share of rows with much more or much less ink than the mean: lines of writing
	Bars      float64 // share of columns with much more or much less ink than the mean
	Ruled     float64 // rows and columns that are an edge over half their length or more: tables, axes, windows
	Spread    float64 // share of the image's 64 cells that have ink
	Frame     float64 // share of the border points that have the most frequent colour
	Across    float64 // share of the edges that are between left and right neighbours: upright strokes
	Wide      float64 // width divided by the sum of width and height
	Large     float64 // number of pixels, on a logarithmic scale
}

// values returns the statistics in the order of the fields.
func (p *imageStats) values() []float64 {
	return []float64{
		p.Flat, p.Ink, p.Light, p.Vivid, p.Dominant, p.Dark, p.Grey, p.Texture, p.Mean, p.Contrast, p.Colourful, p.Few,
		p.Colours, p.Skin, p.Green, p.Blue, p.Lines, p.Bars, p.Ruled, p.Spread, p.Frame, p.Across, p.Wide, p.Large,
	}
}

// meanStats returns the mean over pictures; all zero if there are no pictures.
func meanStats(pictures []imageStats) *imageStats {
	if len(pictures) == 1 {
		return &pictures[0]
	}
	mean := &imageStats{}
	for i := range pictures {
		p, n := &pictures[i], float64(len(pictures))
		mean.Flat += p.Flat / n
		mean.Ink += p.Ink / n
		mean.Light += p.Light / n
		mean.Vivid += p.Vivid / n
		mean.Dominant += p.Dominant / n
		mean.Dark += p.Dark / n
		mean.Grey += p.Grey / n
		mean.Texture += p.Texture / n
		mean.Mean += p.Mean / n
		mean.Contrast += p.Contrast / n
		mean.Colourful += p.Colourful / n
		mean.Few += p.Few / n
		mean.Colours += p.Colours / n
		mean.Skin += p.Skin / n
		mean.Green += p.Green / n
		mean.Blue += p.Blue / n
		mean.Lines += p.Lines / n
		mean.Bars += p.Bars / n
		mean.Ruled += p.Ruled / n
		mean.Spread += p.Spread / n
		mean.Frame += p.Frame / n
		mean.Across += p.Across / n
		mean.Wide += p.Wide / n
		mean.Large += p.Large / n
	}
	return mean
}

// The four scores below are in [0, 1]. The limits in their formulas lie between the means of photographs, scans, charts
// and drawings in public datasets.

// photo returns a score that is high if no colour and no plain area dominates.
func (p *imageStats) photo() float64 {
	// The conversion rounds the product, so that no machine computes a fused multiply-add in the callers' sums.
	return float64((1 - ramp(p.Dominant, 0.25, 0.5)) * (1 - ramp(p.Flat, 0.8, 0.95)))
}

// page returns a score that is high if strokes are dense on a plain background.
func (p *imageStats) page() float64 { return (1 - p.photo()) * ramp(p.Ink, 0.03, 0.15) }

// drawing returns a score that is high if the image has few strokes without colour on a plain background.
func (p *imageStats) drawing() float64 {
	return (1 - p.photo()) * (1 - ramp(p.Vivid, 0, 0.04)) * (1 - ramp(p.Ink, 0.06, 0.15))
}

// chart returns a score that is high if a light background has both colours and writing.
func (p *imageStats) chart() float64 {
	return (1 - p.photo()) * ramp(p.Light, 0.3, 0.7) * ramp(p.Vivid, 0.02, 0.1) * ramp(p.Ink, 0.005, 0.03)
}

// ramp returns a value that rises from 0 at low to 1 at high.
func ramp(x, low, high float64) float64 { return min(1, max(0, (x-low)/(high-low))) }

func distance(a, b int) int { return max(a-b, b-a) }
