module github.com/seatwright/seatwright

go 1.26
