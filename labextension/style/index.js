import '../../sparkk8s_nb/views/static/style.css';
import './base.css';
