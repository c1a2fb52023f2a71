/* SPDX-License-Identifier: MIT */
/* number.h - parses unsigned decimal numbers, with or without a unit, for every text that a user
 * writes: options, ports, prefix lengths and frame specifications. */
#ifndef TEXT_NUMBER_H
#define TEXT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A unit and its factor. A table of units ends with a null name; "" is the unit of a bare number.
 * Names are lower case. */
struct number_unit {
    const char *name;
    uint64_t factor;
};

/* Sizes in bytes: "g", "m", "k" (powers of 1024), and a bare number. */
extern const struct number_unit number_sizes[];

/* Parses the decimal digits at the front of `length` bytes of text into *value. Accepts neither
 * sign, blanks nor other bases. Returns how many digits there are; 0: there are none, or the number
 * exceeds `max`. */
size_t number_digits(const char *text, size_t length, uint64_t max, uint64_t *value);

/* Parses `length` bytes of text as digits and one of the units, in any case: "64k", "64K". Returns
 * false if the text is something else, or the product exceeds `max`; *value is then unspecified. */
bool number_read(const char *text, size_t length, const struct number_unit *units, uint64_t max,
                 uint64_t *value);

#endif
