package embedded

// A topic is a field of meaning that English words of a conversation hint at.
type topic int

const (
	place      topic = iota // where things are
	geometry                // figures and their measures
	colour                  // colours
	quality                 // shape, size, material, state
	count                   // how many
	puzzle                  // rules, conditions, patterns
	setting                 // surroundings
	being                   // people and animals
	activity                // what they do
	identity                // what exactly something is
	comparing               // more, less, equal
	cause                   // why, and what follows
	society                 // history, culture, politics, places of the world
	science                 // mathematics, natural science, medicine, engineering
	data                    // charts, tables, figures
	writing                 // text in the image
	describing              // captions and descriptions
	form                    // demands on the answer's form

	// Narrower fields.
	animal // animals
	food
	plant
	vehicle
	body     // parts of the body
	clothing // what people wear
	indoors  // furniture and household
	street   // what stands in streets
	nature   // landscape and weather
	sport
	music    // music, theatre, film
	visual   // painting, sculpture, architecture
	faith    // religion and myth
	past     // history
	ruling   // politics and law
	region   // countries, peoples, languages
	money    // business and prices
	medicine // illness and its treatment
	biology
	chemistry
	physics
	algebra
	statistics
	computing
	engineering
	paper       // documents and their parts
	screen      // programs and web pages
	brand       // products and signs
	calendar    // dates and durations
	emotion     // feelings and opinions
	pattern     // sequences, grids, games
	order       // steps and their order
	hedging     // perhaps, likely
	composition // parts and composition
	likeness    // photographs as such
	exact       // demands of precision
	nation      // names of countries and of their people
	action      // what bodies do
	thought     // what minds do and say
	change      // what happens to things
	relation    // how things stand to each other
	quantity    // amounts and units
	topicCount
)
