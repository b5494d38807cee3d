//! The README of a drawn world: what each file holds and what was planted, from the very constants.

use super::scan::{BLUR, GREY, MAX_LIGHT, MAX_SCALE, MAX_TURN_DEGREES, NOISE, QUALITY};
use super::signature::{IMITATION, LEANING, TREMOR, VARIATION};
use super::stamp::{COPY_PROPORTION, COPY_WIDTH, HAND};
use super::world::{Certificates, FORGED, GENUINE, Made};

pub fn text(certificates: &Certificates, made: &Made) -> String {
    let Certificates { seed, count } = certificates;
    let Made { pages, stamps, signatures, forged, identities } = made;
    format!(
        "# Drawn certificates\n\n\
         Made by `haetae demo certificates --seed {seed} --count {count}`; the same command gives the same pictures. Names, \
         stamps and hands are invented, and every letter is made of our own strokes. No figure learnt from it says anything \
         of the field.\n\n\
         {pages} pages of A4 at 150 dpi with {stamps} stamps and {signatures} signatures, {forged} of them forged.\n\n\
         ## Files\n\n\
         | file | what |\n|---|---|\n\
         | `pages/` | scanned certificates |\n\
         | `truth.csv` | a row a mark: its page, kind, identity, whether genuine, and its box in pixels |\n\
         | `stamp/`, `signature/` | single marks of {identities} identities each, in `IDENTITY/genuine/` ({GENUINE}) and \
         `IDENTITY/forged/` ({FORGED}); `haetae documents measure` reads them |\n\n\
         ## What is planted\n\n\
         | what | how much |\n|---|---|\n\
         | hand of an engraver | each point of a letter off by {HAND} of its height |\n\
         | impression of a stamp | turned by up to 19 degrees; ink 65 to 100% full, patchy, fuller on one side, bleeding by \
         -0.5 to 0.9 pixels, up to 16% specks |\n\
         | forged stamp: another engraver's copy | own hand; proportions off by {proportion} to {proportion_most} times, half of \
         that for spacing; widths of rings and strokes by {width} to {width_most} times |\n\
         | signing of a writer | each point off by {VARIATION} letter heights; slant and scales by {LEANING} |\n\
         | forged signature: a practised imitation | points off by {IMITATION} throughout; slant by 0.06 to 0.18; an even pen; \
         tremor of {tremor} to {tremor_most} letter heights |\n\
         | copied mark (pages only) | hard edges, even ink, a screen of dots; four in ten black; counted as forged |\n\
         | scanner | turn up to {MAX_TURN_DEGREES} degrees, scale within {MAX_SCALE}, blur {blur} to {blur_most} pixels, light \
         uneven by up to {MAX_LIGHT}, noise {noise} to {noise_most} levels, JPEG quality {quality} to {quality_most}; \
         {grey:.0}% without colour |\n\
         | overlap | marks lie over text and rules, not over each other |\n\n\
         All spreads are of a normal draw, ranges of an even one.\n",
        proportion = COPY_PROPORTION[0],
        proportion_most = COPY_PROPORTION[1],
        width = COPY_WIDTH[0],
        width_most = COPY_WIDTH[1],
        tremor = TREMOR[0],
        tremor_most = TREMOR[1],
        blur = BLUR[0],
        blur_most = BLUR[1],
        noise = NOISE[0],
        noise_most = NOISE[1],
        quality = QUALITY[0],
        quality_most = QUALITY[1],
        grey = GREY * 100.0,
    )
}
