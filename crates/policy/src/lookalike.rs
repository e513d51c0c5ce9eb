//! Characters that look like others: names that are not what they seem.

/// The text with look-alikes of ASCII as what they look like, and what cannot be seen left out.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|character| !is_invisible(*character)).map(plain_character).collect()
}

/// Whether it is not what it seems: it has look-alikes, or characters that cannot be seen.
pub(crate) fn is_disguised(text: &str) -> bool {
    !text.is_ascii() && plain(text) != text
}

/// Characters that change the direction in which text is shown.
pub(crate) const fn is_direction(character: char) -> bool {
    matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Characters that take no room.
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{E0000}'..='\u{E007F}'
    )
}

fn plain_character(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        '\u{2024}' | '\u{FE52}' | '\u{3002}' | '\u{FF61}' | '\u{0701}' | '\u{A4F8}' => '.',
        '\u{2044}' | '\u{2215}' | '\u{29F8}' | '\u{2571}' | '\u{1735}' => '/',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => '-',
        '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        'а' | 'ɑ' | 'α' => 'a',
        'с' | 'ϲ' | 'ⅽ' => 'c',
        'ԁ' | 'ⅾ' => 'd',
        'е' | 'ℯ' => 'e',
        'һ' | 'ℎ' => 'h',
        'і' | 'ı' | 'ⅰ' | 'ι' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ⅼ' | 'ӏ' | 'ℓ' => 'l',
        'м' | 'ⅿ' => 'm',
        'п' | 'ո' => 'n',
        'о' | 'ο' | 'օ' | 'ჿ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' | 'ⅴ' => 'v',
        'ѡ' | 'ԝ' => 'w',
        'х' | 'ⅹ' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' | 'Ϲ' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'І' | 'Ι' => 'I',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'Х' | 'Χ' => 'X',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_other_scripts_are_seen_through() {
        assert!(is_disguised("ｅnv") && is_disguised("rм") && is_disguised("a\u{200B}b"));
        assert_eq!(plain(".ｅnv"), ".env");
        for honest in ["README.md", "Übersicht.txt", "日本語.txt", "naïve"] {
            assert!(!is_disguised(honest), "{honest}");
        }
    }
}
